//! What the numbers of both servers' errors mean for a transaction. Read from the lists of MariaDB 10.11 and MySQL 9.7;
//! `docs/src/database-errors.md` is this table with reasons. A number that is not here is [`Class::Fatal`].

use super::Class;
use super::Class::{Conflict, Interrupted, Lost, Refused};

/// A number, its name in the servers' sources, and its class. In the order of the numbers.
pub(super) const NUMBERS: &[(u16, &str, Class)] = &[
    (1015, "ER_CANT_LOCK", Lost),
    (1016, "ER_CANT_OPEN_FILE", Lost),
    (1020, "ER_CHECKREAD", Conflict),
    (1021, "ER_DISK_FULL", Lost),
    (1023, "ER_ERROR_ON_CLOSE", Lost),
    (1024, "ER_ERROR_ON_READ", Lost),
    (1026, "ER_ERROR_ON_WRITE", Lost),
    (1028, "ER_FILSORT_ABORT", Lost),
    (1030, "ER_GET_ERRNO", Lost),
    (1036, "ER_OPEN_AS_READONLY", Lost),
    (1037, "ER_OUTOFMEMORY", Lost),
    (1038, "ER_OUT_OF_SORTMEMORY", Lost),
    (1040, "ER_CON_COUNT_ERROR", Lost),
    (1041, "ER_OUT_OF_RESOURCES", Lost),
    (1042, "ER_BAD_HOST_ERROR", Lost),
    (1043, "ER_HANDSHAKE_ERROR", Lost),
    (1044, "ER_DBACCESS_DENIED_ERROR", Refused),
    (1045, "ER_ACCESS_DENIED_ERROR", Refused),
    (1047, "ER_UNKNOWN_COM_ERROR", Lost),
    (1053, "ER_SERVER_SHUTDOWN", Interrupted),
    (1062, "ER_DUP_ENTRY", Conflict),
    (1077, "ER_NORMAL_SHUTDOWN", Interrupted),
    (1078, "ER_GOT_SIGNAL", Interrupted),
    (1079, "ER_SHUTDOWN_COMPLETE", Interrupted),
    (1080, "ER_FORCING_CLOSE", Interrupted),
    (1114, "ER_RECORD_FILE_FULL", Lost),
    (1129, "ER_HOST_IS_BLOCKED", Lost),
    (1130, "ER_HOST_NOT_PRIVILEGED", Refused),
    (1135, "ER_CANT_CREATE_THREAD", Lost),
    (1152, "ER_ABORTING_CONNECTION", Interrupted),
    (1158, "ER_NET_READ_ERROR", Interrupted),
    (1159, "ER_NET_READ_INTERRUPTED", Interrupted),
    (1160, "ER_NET_ERROR_ON_WRITE", Interrupted),
    (1161, "ER_NET_WRITE_INTERRUPTED", Interrupted),
    (1180, "ER_ERROR_DURING_COMMIT", Interrupted),
    (1181, "ER_ERROR_DURING_ROLLBACK", Lost),
    (1184, "ER_NEW_ABORTING_CONNECTION", Interrupted),
    (1203, "ER_TOO_MANY_USER_CONNECTIONS", Lost),
    (1205, "ER_LOCK_WAIT_TIMEOUT", Conflict),
    (1206, "ER_LOCK_TABLE_FULL", Conflict),
    (1213, "ER_LOCK_DEADLOCK", Conflict),
    (1223, "ER_CANT_UPDATE_WITH_READLOCK", Lost),
    (1226, "ER_USER_LIMIT_REACHED", Lost),
    (1290, "ER_OPTION_PREVENTS_STATEMENT", Lost),
    (1296, "ER_GET_ERRMSG", Lost),
    (1297, "ER_GET_TEMPORARY_ERRMSG", Conflict),
    (1317, "ER_QUERY_INTERRUPTED", Interrupted),
    (1412, "ER_TABLE_DEF_CHANGED", Conflict),
    (1461, "ER_MAX_PREPARED_STMT_COUNT_REACHED", Lost),
    (1587, "ER_TOO_MANY_FILES_OPENED", Lost),
    (1615, "ER_NEED_REPREPARE", Conflict),
    (1622, "ER_WARN_ENGINE_TRANSACTION_ROLLBACK", Conflict),
    (1637, "ER_TOO_MANY_CONCURRENT_TRXS", Lost),
    (1689, "ER_LOCK_ABORTED", Conflict),
    (1698, "ER_ACCESS_DENIED_NO_PASSWORD_ERROR", Refused),
    (1792, "ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION", Lost),
    (1836, "ER_READ_ONLY_MODE", Lost),
    (1862, "ER_MUST_CHANGE_PASSWORD_LOGIN", Refused),
    (1874, "ER_INNODB_READ_ONLY", Lost),
    (1927, "ER_CONNECTION_KILLED", Interrupted),
    (1969, "ER_STATEMENT_TIMEOUT", Interrupted),
    (3015, "ER_ENGINE_OUT_OF_MEMORY", Lost),
    (3024, "ER_QUERY_TIMEOUT", Interrupted),
    (3032, "ER_SERVER_OFFLINE_MODE", Lost),
    (3100, "ER_RUN_HOOK_ERROR", Interrupted),
    (3101, "ER_TRANSACTION_ROLLBACK_DURING_COMMIT", Conflict),
    (3118, "ER_ACCOUNT_HAS_BEEN_LOCKED", Refused),
    (3159, "ER_SECURE_TRANSPORT_REQUIRED", Refused),
    (3168, "ER_SERVER_ISNT_AVAILABLE", Interrupted),
    (3169, "ER_SESSION_WAS_KILLED", Interrupted),
    (3170, "ER_CAPACITY_EXCEEDED", Lost),
    (3177, "ER_LOCK_REFUSED_BY_ENGINE", Conflict),
    (3182, "ER_ENGINE_UNAVAILABLE", Lost),
    (3197, "ER_XA_RETRY", Lost),
    (3572, "ER_LOCK_NOWAIT", Conflict),
    (3675, "ER_CREATE_TABLESPACE_DISK_FULL", Lost),
    (3781, "ER_GRP_HOLD_WAIT_TIMEOUT", Lost),
    (3782, "ER_GRP_HOLD_KILLED", Lost),
    (3783, "ER_GRP_HOLD_MEMBER_STATUS_ERROR", Lost),
    (3799, "ER_GRP_RPL_PLUGIN_STOPPING", Lost),
    (3950, "ER_DA_OOM", Lost),
    (3955, "ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED", Refused),
    (3989, "ER_SCHEMA_READ_ONLY", Lost),
    (4031, "ER_CLIENT_INTERACTION_TIMEOUT", Lost),
    (4060, "ER_TRANSACTION_WAS_ROLLED_BACK", Conflict),
    (4081, "ER_GLOBAL_CONNECTION_MEMORY_LIMIT", Lost),
    (4082, "ER_CONNECTION_MEMORY_LIMIT", Lost),
    (4094, "ER_GRP_RPL_SET_PRIMARY_BLOCKS", Lost),
    (4151, "ER_ACCOUNT_HAS_BEEN_LOCKED", Refused),
];

/// The class of a number.
pub(super) fn class_of(number: u16) -> Class {
    let found = NUMBERS.binary_search_by_key(&number, |(number, ..)| *number);
    found.map_or(Class::Fatal, |index| NUMBERS[index].2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(NUMBERS.is_sorted_by(|(before, ..), (after, ..)| before < after));
    }

    #[test]
    fn what_was_seen_to_answer_500_may_be_tried_again() {
        // Idle for too long, no quorum, too many connections of the user or of all, read-only in three ways.
        for number in [4031, 1180, 1047, 1226, 1203, 1040, 1290, 1836, 1874, 1792] {
            assert!(matches!(class_of(number), Lost | Interrupted), "{number}");
        }
        assert_eq!(class_of(1064), Class::Fatal, "a statement that is no SQL stays one");
    }

    #[test]
    fn the_documentation_has_every_number() {
        let page = include_str!("../../../docs/src/database-errors.md");
        for (number, name, class) in NUMBERS {
            let row = format!("| {number} | `{name}` | {class:?} |");
            assert!(page.contains(&row), "{row}");
        }
        assert_eq!(page.lines().filter(|line| line.contains("| `ER_")).count(), NUMBERS.len());
    }
}
