//! Why a command ends without an answer.

use std::fmt;
use std::process::ExitCode;

/// One message for standard error, and the exit code that goes with it.
#[derive(Debug)]
pub enum Failure {
    /// The command line contradicts itself or the program: exit code 2, as for clap's own errors.
    Usage(String),
    /// Anything else: exit code 1.
    Failed(String),
}

impl Failure {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Usage(_) => ExitCode::from(2),
            Failure::Failed(_) => ExitCode::from(1),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(text) | Failure::Failed(text) => f.write_str(text),
        }
    }
}

impl From<elide::Error> for Failure {
    fn from(error: elide::Error) -> Failure {
        Failure::Failed(error.to_string())
    }
}
