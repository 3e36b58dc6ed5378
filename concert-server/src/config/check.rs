//! All that is wrong with the values, as far as it can be seen without a database.

use concert_core::{JwtKeys, Policy, SecretFile, SecretString};
use secrecy::ExposeSecret as _;

use super::{Config, usage};

/// Where a database is named but no secret.
const NO_SECRET: &str = "with a database URL, say which secret signs the access tokens: --jwt-secret-file, --jwt-secret, \
                         CONCERT_JWT_SECRET or a credential jwt-secret (at least 32 bytes, the same for all servers on \
                         this database)";

impl Config {
    /// Reads the secrets that are in files, and checks all values as far as it can be done without a database. Also answers
    /// what is doubtful: files that others can read.
    ///
    /// # Errors
    /// A usage error with a line for each fault.
    pub fn checked(mut self) -> Result<(Self, Vec<String>), clap::Error> {
        let (warnings, mut faults) = self.read_secrets();
        // A file that cannot be read has been named; that there is no secret then says nothing new.
        faults.extend(self.faults(faults.is_empty()));
        if faults.is_empty() { Ok((self, warnings)) } else { Err(usage(faults.join("\n"))) }
    }

    /// Reads the secrets that are in files. What is doubtful about them, and what is wrong.
    fn read_secrets(&mut self) -> (Vec<String>, Vec<String>) {
        let (mut warnings, mut faults) = (Vec::new(), Vec::new());
        for (secret, flag, file) in [
            (&mut self.database_url, "--database-url-file", &self.database_url_file),
            (&mut self.jwt_secret, "--jwt-secret-file", &self.jwt_secret_file),
            (&mut self.jwt_previous_secret, "--jwt-previous-secret-file", &self.jwt_previous_secret_file),
        ] {
            let Some(file) = file else { continue };
            match SecretFile::read(file) {
                Ok(read) => {
                    warnings.extend(read.warning.map(|warning| format!("{flag}: {warning}")));
                    *secret = Some(read.secret);
                }
                Err(error) => faults.push(format!("{flag} {}: {error}", file.display())),
            }
        }
        (warnings, faults)
    }

    /// All that a start would refuse about the values.
    fn faults(&self, needs_secret: bool) -> Vec<String> {
        let secrets = [("jwt-secret", &self.jwt_secret), ("jwt-previous-secret", &self.jwt_previous_secret)];
        let of_secret = |(name, secret): (&str, &Option<SecretString>)| {
            let error = JwtKeys::new(secret.as_ref()?).err()?;
            Some(format!("{name}: {error}"))
        };
        let policy = self.with_settings(Policy::default());
        let url = self.database_url.as_ref().map(|url| policy.check_url(url.expose_secret()));
        let missing = needs_secret && self.jwt_secret.is_none() && self.database_url.is_some();
        let faults = missing.then(|| NO_SECRET.to_owned()).into_iter();
        let faults = faults.chain(secrets.into_iter().filter_map(of_secret));
        let faults = faults.chain(url.and_then(Result::err).map(|error| error.to_string()));
        let faults = faults.chain(policy.faults().into_iter().map(|error| error.to_string()));
        faults.chain(self.traces.check().err()).collect()
    }
}
