//! What can be typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::exit::EXIT_CODES;

/// Short-lived storage tokens for data lakes, cut down to what policy allows.
#[derive(Debug, Parser)]
#[command(name = "lakegate", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// What to print: tables for people or JSON for programs.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
    /// Which log lines go to standard error, such as `info` or `lakegate_broker=debug`.
    #[arg(long, global = true, env = "LAKEGATE_LOG", default_value = "error")]
    pub(crate) log: String,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// For programs; one document on standard output.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole lake on this machine and watch it work.
    Quickstart(QuickstartArgs),
    /// Lay out a lake in a folder, for processes of its own: certificates, keys, policy, configurations.
    Sample(SampleArgs),
    /// Run the emulated cloud of a laid out lake until told to stop.
    Emulate(EmulateArgs),
    /// Storage tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Delegation tokens: what a job carries instead of its owner's certificate.
    #[command(subcommand)]
    DelegationToken(DelegationTokenCommand),
    /// Why something is or is not allowed.
    Explain(ExplainArgs),
    /// Policy documents.
    #[command(subcommand)]
    Policy(PolicyCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Get a storage token from a broker.
    Get(TokenArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum DelegationTokenCommand {
    /// Get a delegation token from a broker; needs a client certificate.
    Issue(Box<IssueArgs>),
    /// Keep a delegation token alive; needs the certificate of the renewer that it names.
    Renew(Box<KeepArgs>),
    /// End a delegation token at every broker; needs its owner's certificate, or its renewer's.
    Cancel(Box<KeepArgs>),
    /// Print what a delegation token says. Nothing is verified, no keys are needed, its MAC is not printed.
    Show(ShowArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Read a policy document and say what is wrong or worth a look.
    Check(PolicyCheckArgs),
    /// Compare two policy documents and say what falls away: datasets, projects, principals, rules.
    Diff(PolicyDiffArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct QuickstartArgs {
    /// End after the tour, with status 0 only if every step held.
    #[arg(long)]
    pub(crate) exit: bool,
    /// The broker's port; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SampleArgs {
    /// The folder; made when it is not there, and refused when something is in it.
    pub(crate) folder: PathBuf,
    /// How many brokers to write configurations for.
    #[arg(long, default_value_t = 3)]
    pub(crate) brokers: usize,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EmulateArgs {
    /// The folder that `lakegate sample` laid out.
    pub(crate) folder: PathBuf,
}

/// How to reach a broker and who is asking.
#[derive(Debug, clap::Args)]
pub(crate) struct BrokerArgs {
    /// The broker, such as `https://broker.example:8443`; several joined by `,`.
    #[arg(long, env = "LAKEGATE_BROKER", value_delimiter = ',')]
    pub(crate) broker: Vec<String>,
    /// The authority of the broker's certificate, in PEM.
    #[arg(long, env = "LAKEGATE_CA")]
    pub(crate) ca: Option<PathBuf>,
    /// The client certificate, in PEM.
    #[arg(long, env = "LAKEGATE_CERT")]
    pub(crate) cert: Option<PathBuf>,
    /// The client certificate's key, in PEM, readable by its owner only.
    #[arg(long, env = "LAKEGATE_KEY")]
    pub(crate) key: Option<PathBuf>,
    /// A file with a delegation token, alone or in Hadoop's token storage, readable by its owner only; instead of
    /// certificate and key. Without any of these, `LAKEGATE_DELEGATION_TOKEN` and `HADOOP_TOKEN_FILE_LOCATION` are
    /// looked at.
    #[arg(long, env = "LAKEGATE_DELEGATION_TOKEN_FILE")]
    pub(crate) delegation_token_file: Option<PathBuf>,
    /// A certificate that goes beside a delegation token and gives no rights, in PEM: the one to which the token is bound,
    /// or that of a service mesh.
    #[arg(long, env = "LAKEGATE_CARRIER_CERT", requires = "carrier_key")]
    pub(crate) carrier_cert: Option<PathBuf>,
    /// That certificate's key, in PEM, readable by its owner only.
    #[arg(long, env = "LAKEGATE_CARRIER_KEY", requires = "carrier_cert")]
    pub(crate) carrier_key: Option<PathBuf>,
    /// The principal on whose behalf to ask: its rights alone decide, and a rule of the broker must allow it.
    #[arg(long, env = "LAKEGATE_ON_BEHALF_OF")]
    pub(crate) on_behalf_of: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TokenArgs {
    /// An object, or a prefix that ends in `/`: `gs://bucket/key`.
    pub(crate) path: String,
    /// Operations: read, list, create, write, delete; several joined by `+` or `,`.
    #[arg(long = "op", default_value = "read")]
    pub(crate) operations: String,
    /// Print nothing but the bearer token, for `Authorization: Bearer $(…)`.
    #[arg(long)]
    pub(crate) bearer: bool,
    #[command(flatten)]
    pub(crate) broker: BrokerArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct IssueArgs {
    /// Who may renew it: a full principal. Nobody, unless it is said.
    #[arg(long)]
    pub(crate) renewer: Option<String>,
    /// Make it of use only beside the client certificate in this file, in PEM, or another one with the same key.
    #[arg(long, conflicts_with = "bind_pod")]
    pub(crate) bind_certificate: Option<PathBuf>,
    /// Make it of use only beside a client certificate that vouches for the pod with this UID. Where brokers know several
    /// trust domains, the pod's and a slash stand before it.
    #[arg(long)]
    pub(crate) bind_pod: Option<String>,
    /// Write it to this file, readable by its owner only, instead of printing it.
    #[arg(long, conflicts_with = "credentials_file")]
    pub(crate) out: Option<PathBuf>,
    /// Add it to this token-storage file of Hadoop's, made when it is not there; everything else in it is kept.
    #[arg(long)]
    pub(crate) credentials_file: Option<PathBuf>,
    /// Under which service it stands in that file: where the job will find brokers, `host:port`. The first broker's
    /// own, unless it is said.
    #[arg(long, requires = "credentials_file")]
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) broker: BrokerArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct KeepArgs {
    /// A file with the token, or of Hadoop's token storage with one of ours in it, `-` for standard input, or the token
    /// itself, which other users of this machine can then see.
    #[arg(allow_hyphen_values = true)]
    pub(crate) token: String,
    #[command(flatten)]
    pub(crate) broker: BrokerArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// A file with a token or of Hadoop's token storage, `-` for standard input, or the token itself, which other users
    /// of this machine can then see.
    #[arg(allow_hyphen_values = true, env = "HADOOP_TOKEN_FILE_LOCATION")]
    pub(crate) token: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// An object, or a prefix that ends in `/`: `gs://bucket/key`.
    pub(crate) path: String,
    /// Operations: read, list, create, write, delete; several joined by `+` or `,`.
    #[arg(long = "op", default_value = "read")]
    pub(crate) operations: String,
    /// Another principal than the caller; with a broker for its administrators only.
    #[arg(long)]
    pub(crate) principal: Option<String>,
    /// Ask this policy document instead of a broker; needs `--principal`.
    #[arg(long, requires = "principal")]
    pub(crate) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) broker: BrokerArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PolicyCheckArgs {
    /// The document, YAML or JSON by its ending.
    pub(crate) file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PolicyDiffArgs {
    /// The document in force, YAML or JSON by its ending.
    pub(crate) old: PathBuf,
    /// The document that is to follow it.
    pub(crate) new: PathBuf,
}
