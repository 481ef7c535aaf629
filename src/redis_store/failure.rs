//! Why a decision could not be had from Redis.

/// A named failure. The numbers, negated, are what JavaScript sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Failure {
    /// No answer within the deadline. The hit may have been counted, and is never sent again.
    Timeout = 1,
    /// There is no connection.
    Down = 2,
    /// So many answers came too late that Redis is left alone for a while.
    CircuitOpen = 3,
    /// The server is a replica.
    Readonly = 4,
    /// The server still reads its data.
    Loading = 5,
    /// The server's memory is full.
    OutOfMemory = 6,
    /// Wrong name or password, or the user may not run what is needed.
    Auth = 7,
    /// The server runs somebody's long script.
    Busy = 8,
    /// The cluster does not serve the slot.
    ClusterDown = 9,
    /// The server is a replica that has lost its master.
    MasterDown = 10,
    /// An answer that no script of ours gives.
    Script = 11,
    /// The store was closed.
    Closed = 12,
    /// The slot could not be followed to where it moved.
    Moved = 13,
    /// More hits wait than are held.
    Overloaded = 14,
    /// The server's certificate, or ours, was not accepted.
    Tls = 15,
}

impl Failure {
    /// Every failure with its public name.
    pub const ALL: [(Self, &'static str); 15] = [
        (Self::Timeout, "timeout"),
        (Self::Down, "down"),
        (Self::CircuitOpen, "circuit-open"),
        (Self::Readonly, "readonly"),
        (Self::Loading, "loading"),
        (Self::OutOfMemory, "oom"),
        (Self::Auth, "auth"),
        (Self::Busy, "busy"),
        (Self::ClusterDown, "clusterdown"),
        (Self::MasterDown, "masterdown"),
        (Self::Script, "script"),
        (Self::Closed, "closed"),
        (Self::Moved, "moved"),
        (Self::Overloaded, "overloaded"),
        (Self::Tls, "tls"),
    ];

    /// The public name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(failure, _)| *failure == self).map_or("down", |(_, name)| name)
    }

    /// The failure that JavaScript knows by this number; an unknown one is [`Failure::Down`].
    #[must_use]
    pub fn from_number(number: f64) -> Self {
        let is_it = |failure: Self| f64::from(failure as u8).total_cmp(&-number).is_eq();
        let found = Self::ALL.iter().find(|(failure, _)| is_it(*failure));
        found.map_or(Self::Down, |(failure, _)| *failure)
    }

    /// Whether another connection, to the same address or to the one that takes its place, is the cure.
    #[must_use]
    pub const fn wants_new_connection(self) -> bool {
        matches!(self, Self::Readonly | Self::Loading | Self::MasterDown | Self::Auth)
    }
}

/// What an error reply asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// The server does not have the script: it was not run, so its text is sent.
    SendText,
    /// The slot is served elsewhere: nothing was run.
    Move {
        /// Which slot.
        slot: u16,
        /// `host:port`.
        address: String,
    },
    /// This once, ask there: nothing was run.
    Ask {
        /// `host:port`.
        address: String,
    },
    /// Some keys have moved already and others not: nothing was run.
    TryAgain,
    /// Nothing helps.
    Give(Failure),
}

/// What to do about an error reply.
#[must_use]
pub fn remedy(error: &str) -> Remedy {
    let mut words = error.split_ascii_whitespace();
    match words.next().unwrap_or_default() {
        "NOSCRIPT" => Remedy::SendText,
        "MOVED" => match (words.next().and_then(|slot| slot.parse().ok()), words.next()) {
            (Some(slot @ 0..16384), Some(address)) => {
                Remedy::Move { slot, address: address.to_owned() }
            }
            _ => Remedy::Give(Failure::Script),
        },
        "ASK" => words.nth(1).map_or(Remedy::Give(Failure::Script), |address| Remedy::Ask {
            address: address.to_owned(),
        }),
        "TRYAGAIN" => Remedy::TryAgain,
        _ => Remedy::Give(named(error)),
    }
}

/// The failure that an error reply stands for. Errors inside of a script carry their name further back.
#[must_use]
pub fn named(error: &str) -> Failure {
    const NAMES: [(&str, Failure); 12] = [
        ("READONLY", Failure::Readonly),
        ("LOADING", Failure::Loading),
        ("OOM", Failure::OutOfMemory),
        ("BUSY", Failure::Busy),
        ("CLUSTERDOWN", Failure::ClusterDown),
        ("MASTERDOWN", Failure::MasterDown),
        ("NOAUTH", Failure::Auth),
        ("WRONGPASS", Failure::Auth),
        ("NOPERM", Failure::Auth),
        ("NOREPLICAS", Failure::Readonly),
        ("MISCONF", Failure::Readonly),
        ("UNBLOCKED", Failure::Readonly),
    ];
    let words = || error.split(|character: char| !character.is_ascii_alphanumeric());
    let first = words().next().unwrap_or_default();
    let by_name = |word: &str| NAMES.iter().find(|(name, _)| *name == word).map(|(_, to)| *to);
    // `ERR invalid password` and `ERR AUTH <password> called without any password configured`.
    if first == "ERR" && (error.contains("AUTH") || error.contains("invalid password")) {
        return Failure::Auth;
    }
    // Redis 6 wraps what fails inside of a script: `ERR Error running script (…): …: -OOM command …`.
    by_name(first)
        .or_else(|| (first == "ERR").then(|| words().find_map(by_name)).flatten())
        .unwrap_or(Failure::Script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_servers_answer() {
        for (error, failure) in [
            ("READONLY You can't write against a read only replica.", Failure::Readonly),
            ("LOADING Redis is loading the dataset in memory", Failure::Loading),
            ("OOM command not allowed when used memory > 'maxmemory'.", Failure::OutOfMemory),
            (
                "ERR Error running script (call to f_1): @user_script:20: @user_script: 20: -OOM command not allowed",
                Failure::OutOfMemory,
            ),
            ("BUSY Redis is busy running a script.", Failure::Busy),
            ("CLUSTERDOWN The cluster is down", Failure::ClusterDown),
            ("MASTERDOWN Link with MASTER is down", Failure::MasterDown),
            ("NOAUTH Authentication required.", Failure::Auth),
            ("WRONGPASS invalid username-password pair", Failure::Auth),
            ("NOPERM this user has no permissions to run the 'evalsha' command", Failure::Auth),
            ("ERR invalid password", Failure::Auth),
            ("ERR anything", Failure::Script),
            ("", Failure::Script),
        ] {
            assert_eq!(named(error), failure, "{error}");
            assert_eq!(remedy(error), Remedy::Give(failure), "{error}");
        }
    }

    #[test]
    fn reads_redirections() {
        let address = "10.0.0.1:7000".to_owned();
        assert_eq!(
            remedy("MOVED 3999 10.0.0.1:7000"),
            Remedy::Move { slot: 3999, address: address.clone() }
        );
        assert_eq!(remedy("ASK 3999 10.0.0.1:7000"), Remedy::Ask { address });
        assert_eq!(remedy("TRYAGAIN Multiple keys request during rehashing"), Remedy::TryAgain);
        assert_eq!(remedy("NOSCRIPT No matching script."), Remedy::SendText);
        for hostile in ["MOVED", "MOVED x y", "MOVED 16384 a:1", "MOVED 1", "ASK", "ASK 1"] {
            assert_eq!(remedy(hostile), Remedy::Give(Failure::Script), "{hostile}");
        }
    }

    #[test]
    fn numbers_and_names_go_both_ways() {
        for (failure, name) in Failure::ALL {
            assert_eq!(failure.name(), name);
            assert_eq!(Failure::from_number(-f64::from(failure as u8)), failure);
        }
        assert_eq!(Failure::from_number(f64::NAN), Failure::Down);
    }
}
