// Hadoop's own classes on our tokens and files. Each command prints facts, one a line: a name, a tab, a value.
// It asserts nothing: `hadoop.rs` compares what is printed with what we mean.

import java.io.DataInput;
import java.io.DataInputStream;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.WritableUtils;
import org.apache.hadoop.security.Credentials;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.security.token.Token;
import org.apache.hadoop.security.token.TokenIdentifier;
import org.apache.hadoop.security.token.delegation.AbstractDelegationTokenIdentifier;
import org.apache.hadoop.security.token.delegation.AbstractDelegationTokenSelector;
import org.apache.hadoop.security.token.delegation.web.DelegationTokenIdentifier;

public final class HadoopTokens {
    static final Text KIND = new Text("LAKEGATE_DELEGATION_TOKEN");
    static final Text HDFS = new Text("HDFS_DELEGATION_TOKEN");
    static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "storage" -> storage(Credentials.readTokenStorageFile(new File(args[1]), new Configuration()));
            case "login" -> storage(UserGroupInformation.getLoginUser().getCredentials());
            case "select" -> select(args[1], args[2]);
            case "urls" -> urls(Path.of(args[1]));
            case "write" -> write(new File(args[1]), args[2], Path.of(args[3]));
            case "add" -> add(new File(args[1]));
            case "refuse" -> refuse(args);
            default -> throw new IllegalArgumentException(args[0]);
        }
        fact("held", args[0]);
    }

    /** What stands in a file, tokens of our kind field by field. */
    static void storage(Credentials credentials) throws IOException {
        var tokens = new TreeMap<String, Token<?>>();
        credentials.getTokenMap().forEach((alias, token) -> tokens.put(alias.toString(), token));
        for (var entry : tokens.entrySet()) {
            token("token " + entry.getKey(), entry.getValue());
        }
        for (Text alias : credentials.getAllSecretKeys()) {
            fact("secret " + alias, hex(credentials.getSecretKey(alias)));
        }
    }

    static void token(String name, Token<?> token) throws IOException {
        fact(name, token.getKind() + " " + token.getService() + " " + hex(token.getIdentifier()) + " "
                + hex(token.getPassword()));
        fact(name + " url", token.encodeToUrlString());
        if (!token.getKind().equals(KIND)) {
            return;
        }
        var said = new LakegateIdentifier();
        var in = new DataInputStream(new ByteArrayInputStream(token.getIdentifier()));
        said.readFields(in);
        fact(name + " rest", Integer.toString(in.available()));
        fact(name + " fields", said.fields());
        fact(name + " ours", said.cluster + " " + hex(said.id) + " " + said.firstRenewDate + " " + said.storeEpoch);
        // A reader of Hadoop's own, which knows nothing of what we append.
        var hadoops = new DelegationTokenIdentifier(KIND);
        hadoops.readFields(new DataInputStream(new ByteArrayInputStream(token.getIdentifier())));
        UserGroupInformation user = hadoops.getUser();
        String real = user.getRealUser() == null ? "" : user.getRealUser().getUserName();
        fact(name + " user", user.getUserName() + " " + user.getAuthenticationMethod() + " " + real);
        fact(name + " hadoops", fields(hadoops));
    }

    static String fields(AbstractDelegationTokenIdentifier said) {
        return said.getOwner() + " " + said.getRenewer() + " " + said.getRealUser() + " " + said.getIssueDate() + " "
                + said.getMaxDate() + " " + said.getSequenceNumber() + " " + said.getMasterKeyId();
    }

    /** Hadoop's way to the token for a service: by kind and service, whatever the alias. */
    static void select(String file, String service) throws IOException {
        var credentials = Credentials.readTokenStorageFile(new File(file), new Configuration());
        var selected = new Selector().selectToken(new Text(service), credentials.getAllTokens());
        fact("selected", selected == null ? "none" : selected.encodeToUrlString());
    }

    /** Every url string of a file, read and written again. */
    static void urls(Path file) throws IOException {
        int number = 0;
        for (String url : Files.readAllLines(file)) {
            var token = new Token<TokenIdentifier>();
            token.decodeFromUrlString(url);
            token("url " + number++, token);
        }
    }

    /** A file of either version: the tokens of these url strings, one of HDFS's, and two secrets. */
    static void write(File file, String version, Path urls) throws IOException {
        var credentials = new Credentials();
        for (String url : Files.readAllLines(urls)) {
            var token = new Token<TokenIdentifier>();
            token.decodeFromUrlString(url);
            credentials.addToken(token.getService(), token);
        }
        credentials.addToken(new Text("ha-hdfs:ns"), hdfs());
        credentials.addSecretKey(new Text("spark.shuffle"), new byte[] {0, 1, -1});
        credentials.addSecretKey(new Text("k\u00e4se"), new byte[300]);
        var format = version.equals("1") ? Credentials.SerializedFormat.PROTOBUF : Credentials.SerializedFormat.WRITABLE;
        try (var out = new java.io.DataOutputStream(Files.newOutputStream(file.toPath()))) {
            credentials.writeTokenStorageToStream(out, format);
        }
        storage(credentials);
    }

    /** Puts a token of HDFS's into a file that is there, in the version that Hadoop writes by default. */
    static void add(File file) throws IOException {
        var conf = new Configuration();
        var credentials = Credentials.readTokenStorageFile(file, conf);
        credentials.addToken(new Text("ha-hdfs:ns"), hdfs());
        credentials.writeTokenStorageFile(new org.apache.hadoop.fs.Path(file.toURI()), conf);
        storage(credentials);
    }

    static Token<?> hdfs() {
        var said = new DelegationTokenIdentifier(HDFS, new Text("alice"), new Text("yarn"), new Text(""));
        said.setSequenceNumber(70000);
        return new Token<>(said.getBytes(), new byte[20], HDFS, new Text("ha-hdfs:ns"));
    }

    /** What Hadoop says of files that are none. */
    static void refuse(String[] files) {
        for (String file : List.of(files).subList(1, files.length)) {
            String said = "read";
            try {
                Credentials.readTokenStorageFile(new File(file), new Configuration());
            } catch (IOException error) {
                Throwable cause = error.getCause() == null ? error : error.getCause();
                said = cause.getMessage();
            }
            fact("refused " + new File(file).getName(), said);
        }
    }

    static String hex(byte[] bytes) {
        return bytes.length == 0 ? "-" : HexFormat.of().formatHex(bytes);
    }

    static void fact(String name, String value) {
        OUT.println(name + "\t" + value);
    }

    static final class Selector extends AbstractDelegationTokenSelector<LakegateIdentifier> {
        Selector() {
            super(KIND);
        }
    }

    /** Our identifier as a Hadoop user would write its class: the inherited fields, then ours by Hadoop's primitives. */
    static final class LakegateIdentifier extends AbstractDelegationTokenIdentifier {
        int format;
        String cluster;
        final byte[] id = new byte[16];
        long firstRenewDate;
        int storeEpoch;

        @Override
        public Text getKind() {
            return KIND;
        }

        @Override
        public void readFields(DataInput in) throws IOException {
            super.readFields(in);
            format = WritableUtils.readVInt(in);
            cluster = Text.readString(in);
            in.readFully(id);
            firstRenewDate = WritableUtils.readVLong(in);
            storeEpoch = WritableUtils.readVInt(in);
        }

        String fields() {
            return HadoopTokens.fields(this) + " format " + format;
        }
    }
}
