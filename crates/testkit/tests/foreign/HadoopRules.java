// Hadoop's own classes on names and proxies. Each command reads cases from a file, fields parted by tabs, and prints
// what Hadoop says of each. It asserts nothing: `hadoop_rules.rs` compares that with what we say.

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.security.authentication.util.KerberosName;
import org.apache.hadoop.security.authorize.AuthorizationException;
import org.apache.hadoop.security.authorize.DefaultImpersonationProvider;

public final class HadoopRules {
    static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);

    interface Case {
        String judge(String[] fields) throws Exception;
    }

    public static void main(String[] args) throws Exception {
        System.setProperty("java.security.krb5.realm", "EXAMPLE.COM");
        System.setProperty("java.security.krb5.kdc", "localhost");
        Case judge = switch (args[0]) {
            case "names" -> HadoopRules::name;
            case "proxies" -> HadoopRules::proxy;
            default -> throw new IllegalArgumentException(args[0]);
        };
        List<String> cases = Files.readAllLines(Path.of(args[1]));
        for (int number = 0; number < cases.size(); number++) {
            OUT.println(number + "\t" + judge.judge(cases.get(number).split("\t", -1)));
        }
        OUT.println("held\t" + args[0]);
    }

    /** mechanism, rules, name: the short name, or a dash and why there is none. */
    static String name(String[] fields) {
        KerberosName.setRuleMechanism(fields[0]);
        try {
            KerberosName.setRules(fields[1]);
        } catch (RuntimeException refused) {
            return "-rules " + refused.getClass().getSimpleName();
        }
        try {
            return "+" + new KerberosName(fields[2]).getShortName();
        } catch (IOException | RuntimeException nobody) {
            return "-name " + nobody.getClass().getSimpleName();
        }
    }

    /** users, groups, hosts of the proxy `hive`, each a dash for none; who acts, for whom, in which groups, from where. */
    static String proxy(String[] fields) throws Exception {
        Configuration configuration = new Configuration(false);
        String[] keys = {"users", "groups", "hosts"};
        for (int key = 0; key < keys.length; key++) {
            if (!fields[key].equals("-")) {
                configuration.set("hadoop.proxyuser.hive." + keys[key], fields[key]);
            }
        }
        DefaultImpersonationProvider provider = new DefaultImpersonationProvider();
        provider.setConf(configuration);
        provider.init("hadoop.proxyuser");
        UserGroupInformation real = UserGroupInformation.createRemoteUser(fields[3]);
        UserGroupInformation user =
            UserGroupInformation.createProxyUserForTesting(fields[4], real, fields[5].split(","));
        try {
            provider.authorize(user, InetAddress.getByName(fields[6]));
            return "true";
        } catch (AuthorizationException refused) {
            return "false";
        }
    }
}
