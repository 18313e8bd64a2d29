//! Exit codes, so that scripts can tell a refusal from an outage.

use std::process::ExitCode;

use lakegate_client::ClientError;

/// The table that `--help` prints and `docs/cli.md` repeats.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed for another reason
  2  the command line is not valid
  3  denied by policy
  4  not authenticated
  5  the path, the operations, the delegation token or the policy document are not valid
  6  not available now; try again
  7  something falls away between two policy documents";

/// How the command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Failure,
    Denied,
    Unauthenticated,
    Invalid,
    Unavailable,
    Orphans,
}

impl Exit {
    /// The code for an error that ended a command.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if error.is::<Invalid>() {
            return Self::Invalid;
        }
        error.downcast_ref::<ClientError>().map_or(Self::Failure, Self::of_client)
    }

    fn of_client(error: &ClientError) -> Self {
        match error {
            ClientError::Denied(_) => Self::Denied,
            ClientError::Unauthenticated(_) | ClientError::DelegationToken { .. } => Self::Unauthenticated,
            ClientError::InvalidRequest(_) | ClientError::InvalidParts => Self::Invalid,
            ClientError::Unavailable { .. }
            | ClientError::Exhausted { .. }
            | ClientError::RateLimited { .. }
            | ClientError::Connect(_)
            | ClientError::Timeout => Self::Unavailable,
            _ => Self::Failure,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failure => 1,
            Exit::Denied => 3,
            Exit::Unauthenticated => 4,
            Exit::Invalid => 5,
            Exit::Unavailable => 6,
            Exit::Orphans => 7,
        })
    }
}

/// An input that is not valid; the text says what and where.
#[derive(Debug)]
pub(crate) struct Invalid(pub(crate) String);

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}
