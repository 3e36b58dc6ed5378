//! The options of the brakes, which are also flags of the server.

use clap::Args;

use super::origin::Network;
use super::{Brake, Limit};
use crate::switch::Switch;

/// The limits of the brakes, each `COUNT/TIME` as in 600/1m, or `off`. A client may use the whole count at once; it comes
/// back evenly over the time.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Brakes: COUNT/TIME, as 600/1m (1 to 10000000 in 1s to 1day), or off")]
pub struct BrakeOptions {
    /// All calls together, from one address or one /64 of IPv6; health and metrics are not counted
    #[arg(
        long = "brake-calls-per-address",
        env = "CONCERT_BRAKE_CALLS_PER_ADDRESS",
        default_value = "300000/1m",
        value_name = "LIMIT"
    )]
    pub calls_per_address: Limit,

    /// Calls that join the queue, from one address: mobile networks put thousands of people behind one
    #[arg(
        long = "brake-joins-per-address",
        env = "CONCERT_BRAKE_JOINS_PER_ADDRESS",
        default_value = "12000/1m",
        value_name = "LIMIT"
    )]
    pub joins_per_address: Limit,

    /// Log-ins from one address
    #[arg(
        long = "brake-log-ins-per-address",
        env = "CONCERT_BRAKE_LOG_INS_PER_ADDRESS",
        default_value = "30/1s",
        value_name = "LIMIT"
    )]
    pub log_ins_per_address: Limit,

    /// Sign-ups from one address
    #[arg(
        long = "brake-sign-ups-per-address",
        env = "CONCERT_BRAKE_SIGN_UPS_PER_ADDRESS",
        default_value = "20/1s",
        value_name = "LIMIT"
    )]
    pub sign_ups_per_address: Limit,

    /// Log-ins and sign-ups with one name from one address
    #[arg(
        long = "brake-attempts-per-name",
        env = "CONCERT_BRAKE_ATTEMPTS_PER_NAME",
        default_value = "30/10m",
        value_name = "LIMIT"
    )]
    pub attempts_per_name: Limit,

    /// All calls together of one user
    #[arg(
        long = "brake-calls-per-user",
        env = "CONCERT_BRAKE_CALLS_PER_USER",
        default_value = "1200/1m",
        value_name = "LIMIT"
    )]
    pub calls_per_user: Limit,

    /// Calls that join the queue by one user
    #[arg(
        long = "brake-joins-per-user",
        env = "CONCERT_BRAKE_JOINS_PER_USER",
        default_value = "30/1m",
        value_name = "LIMIT"
    )]
    pub joins_per_user: Limit,

    /// Calls by which one user gives holds back or leaves the queue; beyond the limit the user's holds are refused,
    /// giving back never is
    #[arg(
        long = "brake-give-backs-per-user",
        env = "CONCERT_BRAKE_GIVE_BACKS_PER_USER",
        default_value = "30/10m",
        value_name = "LIMIT"
    )]
    pub give_backs_per_user: Limit,

    /// Access codes that do not count, from one address; beyond the limit, joins with a code are refused there
    #[arg(
        long = "brake-wrong-codes-per-address",
        env = "CONCERT_BRAKE_WRONG_CODES_PER_ADDRESS",
        default_value = "600/10m",
        value_name = "LIMIT"
    )]
    pub wrong_codes_per_address: Limit,

    /// Access codes that do not count, by one user; beyond the limit, the user's joins with a code are refused
    #[arg(
        long = "brake-wrong-codes-per-user",
        env = "CONCERT_BRAKE_WRONG_CODES_PER_USER",
        default_value = "20/10m",
        value_name = "LIMIT"
    )]
    pub wrong_codes_per_user: Limit,

    /// Brake the addresses of this machine as well, which are exempt otherwise
    #[arg(
        long,
        env = "CONCERT_BRAKE_LOOPBACK",
        default_value = "off",
        default_missing_value = "on",
        num_args = 0..=1,
        require_equals = true,
        value_parser = Switch::parser(),
        ignore_case = true,
        value_name = "SWITCH"
    )]
    pub brake_loopback: bool,

    /// The networks of proxies whose X-Forwarded-For or Forwarded header names the client, as 10.0.0.0/8; can be
    /// repeated. None unless given
    #[arg(long, env = "CONCERT_TRUST_PROXY", value_delimiter = ',', value_name = "NETWORK", help_heading = "Options")]
    pub trust_proxy: Vec<Network>,
}

impl Default for BrakeOptions {
    fn default() -> Self {
        Self {
            calls_per_address: Limit::new(300_000, 60),
            joins_per_address: Limit::new(12_000, 60),
            log_ins_per_address: Limit::new(30, 1),
            sign_ups_per_address: Limit::new(20, 1),
            attempts_per_name: Limit::new(30, 600),
            calls_per_user: Limit::new(1_200, 60),
            joins_per_user: Limit::new(30, 60),
            give_backs_per_user: Limit::new(30, 600),
            wrong_codes_per_address: Limit::new(600, 600),
            wrong_codes_per_user: Limit::new(20, 600),
            brake_loopback: false,
            trust_proxy: Vec::new(),
        }
    }
}

impl BrakeOptions {
    pub(super) const fn limit(&self, brake: Brake) -> Limit {
        match brake {
            Brake::CallsPerAddress => self.calls_per_address,
            Brake::JoinsPerAddress => self.joins_per_address,
            Brake::LogInsPerAddress => self.log_ins_per_address,
            Brake::SignUpsPerAddress => self.sign_ups_per_address,
            Brake::AttemptsPerName => self.attempts_per_name,
            Brake::CallsPerUser => self.calls_per_user,
            Brake::JoinsPerUser => self.joins_per_user,
            Brake::GiveBacksPerUser => self.give_backs_per_user,
            Brake::WrongCodesPerAddress => self.wrong_codes_per_address,
            Brake::WrongCodesPerUser => self.wrong_codes_per_user,
        }
    }
}
