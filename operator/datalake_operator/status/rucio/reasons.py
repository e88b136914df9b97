"""Reasons of a RucioServer's conditions, beside those of its pods."""


class RucioReason:
    """Why a RucioServer is ready, or not. In the order of what must be well first."""

    CREDENTIALS_PENDING = "CredentialsPending"
    """Secrets with new passwords are being made."""

    CHECKING_DATABASE = "CheckingDatabase"
    """The Job that looks at the database with the version and configuration of the spec has not said anything yet."""

    CHECK_FAILED = "CheckFailed"
    """The look at the database ended with an error; the message has it."""

    DATABASE_ANSWERS = "DatabaseAnswers"
    """The database can be reached."""

    DATABASE_UNREACHABLE = "DatabaseUnreachable"
    """The database does not answer. Daemons end and start again meanwhile, which is not told one by one."""

    DATABASE_PASSWORD_REFUSED = "DatabasePasswordRefused"  # noqa: S105 - a reason, not a password
    """The database refuses user or password."""

    DATABASE_BUSY = "DatabaseBusy"
    """Another Job holds the lock of the database; work goes on when it is free."""

    DATABASE_NOT_OURS = "DatabaseNotOurs"
    """The database is not empty and was not filled by this resource; nothing starts on it before it is adopted."""

    DATABASE_ENCODING = "DatabaseEncoding"
    """The encoding of the database is not UTF-8, with which Rucio fails."""

    DATABASE_PERMISSION_MISSING = "DatabasePermissionMissing"
    """The user of the database lacks a right."""

    DATABASE_SCHEMA_MISSING = "DatabaseSchemaMissing"
    """The PostgreSQL schema that the spec names does not exist."""

    TRANSACTION_POOLER = "TransactionPooler"
    """A pooler in transaction mode stands before the database, and no direct connection is given."""

    OTHER_SCHEMA = "OtherSchema"
    """The schema is empty, and another schema of the same database holds a Rucio."""

    VERSION_MISMATCH = "VersionMismatch"
    """The image holds another version of Rucio than the spec says, or a policy package that does not go with it."""

    DATABASE_EMPTY = "DatabaseEmpty"
    """The database is empty and shall not be filled: the spec says so, or it held a Rucio before."""

    DATABASE_PARTIAL = "DatabasePartial"
    """Rucio's tables are there in part, and what is there holds data or shall not be touched."""

    BOOTSTRAPPED = "Bootstrapped"
    """The database holds a whole Rucio."""

    SCHEMA_IS_CURRENT = "SchemaIsCurrent"
    """The schema is the one that this version of Rucio needs."""

    SCHEMA_UNSTAMPED = "SchemaUnstamped"
    """Rucio's tables are there, and nothing says of which version."""

    SCHEMA_AHEAD = "SchemaAhead"
    """The schema is of a newer version of Rucio; it is left untouched."""

    SCHEMA_BEHIND = "SchemaBehind"
    """The schema is of an older version of Rucio, and there is no plan for a migration yet."""

    MIGRATION_PENDING = "MigrationPending"
    """The schema must be migrated, and that waits for approval. Servers of the version before go on running."""

    BACKUP_IMPOSSIBLE = "BackupImpossible"
    """A dump cannot be made before the migration; nothing was stopped."""

    MIGRATING = "Migrating"
    """A migration is under way; servers and daemons are stopped for it."""

    BACKUP_FAILED = "BackupFailed"
    """The dump before the migration failed; servers and daemons are stopped."""

    FOREIGN_WRITERS = "ForeignWriters"
    """Others use the database; it is migrated as soon as they are gone."""

    MIGRATION_FAILED = "MigrationFailed"
    """The migration failed; the message names the dump and how to restore it."""

    SCALED_TO_ZERO = "ScaledToZero"
    """The server has no replicas."""

    ROLLING_OUT = "RollingOut"
    """Pods of the revision before are being replaced."""

    SERVER_READY = "ServerReady"
    """Pods of the server serve."""

    NOT_OBSERVED = "NotObserved"
    """The operator has had no answer from the server yet."""

    LOGIN_WORKS = "LoginWorks"
    """The account root can log in."""

    ROOT_LOGIN_REFUSED = "RootLoginRefused"
    """The server refuses name or password of the account root."""

    LOGIN_FAILED = "LoginFailed"
    """The login of the account root failed for another reason than its password."""

    DAEMONS_FAILING = "DaemonsFailing"
    """Pods of daemons cannot run; the message names the first cause."""

    HEARTBEATS_STALE = "HeartbeatsStale"
    """Daemons run, and have not written a heartbeat within their limit."""

    DAEMONS_STARTING = "DaemonsStarting"
    """Not every daemon has written its first heartbeat yet."""

    DAEMONS_ALIVE = "DaemonsAlive"
    """Every daemon that is wanted has a fresh heartbeat, or a ready pod where it writes none."""

    SERVING = "Serving"
    """Rucio works as the spec says."""

    BACKUPS_FRESH = "BackupsFresh"
    """The newest dump is as young as the schedule says."""

    BACKUPS_OVERDUE = "BackupsOverdue"
    """Two dumps in a row that the schedule says were not made."""

    APPROVAL_AWAITED = "ApprovalAwaited"
    """The database was adopted or restored: daemons that delete or move files are held until that is approved."""

    MOCK_TOOL = "MockTool"
    """The transfer tool mock is set: transfers are said to have happened, and no file moves."""

    CONNECTIONS_SUFFICE = "ConnectionsSuffice"
    """PostgreSQL takes the connections that all pods together may open."""

    CONNECTIONS_EXCEEDED = "ConnectionsExceeded"
    """All pods together may open more connections than PostgreSQL takes."""

    OPTIONS_REMOVED = "OptionsRemoved"
    """The configuration sets options that this version of Rucio does not read."""

    PATH_ALGORITHM_CHANGED = "PathAlgorithmChanged"
    """`policy.lfn2pfn` differs from what the database was filled with; it would move the path of every file."""

    ROOT_USERNAME_CHANGED = "RootUsernameChanged"
    """The username in the root Secret differs from the one that the database was filled with."""
