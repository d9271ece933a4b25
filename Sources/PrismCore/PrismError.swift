/// What went wrong, in one sentence that says what, where and what to do.
///
/// Thrown for everything a user can cause or meet: files, configurations, shapes, full disks. Broken invariants of the
/// program itself are `precondition`s instead.
public struct PrismError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The class of a failure; it decides the exit status of the command line.
    public enum Kind: Sendable {
        /// The call is wrong: a flag, a configuration value, a name that does not exist. Exit 64 (`EX_USAGE`).
        case usage
        /// The data are wrong: a truncated, corrupt or unsupported file. Exit 65 (`EX_DATAERR`).
        case badData
        /// The work could not be finished: a full disk, no permission, numbers that diverged. Exit 1.
        case runFailed
    }

    public let kind: Kind
    public let message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        // Names out of damaged files may hold anything; a message stays one line and does nothing to a terminal.
        let special: Set<Unicode.GeneralCategory> = [.control, .lineSeparator, .paragraphSeparator]
        let scalars = message.unicodeScalars.map { special.contains($0.properties.generalCategory) ? "\u{fffd}" : $0 }
        self.message = String(String.UnicodeScalarView(scalars))
    }

    public static func usage(_ message: String) -> PrismError { PrismError(.usage, message) }
    public static func badData(_ message: String) -> PrismError { PrismError(.badData, message) }
    public static func runFailed(_ message: String) -> PrismError { PrismError(.runFailed, message) }

    /// Ctrl-C stopped work that leaves nothing behind.
    public static let interrupted = runFailed("interrupted; nothing was written")

    public var description: String { message }

    /// The exit status of a command that ends with this error.
    public var exitStatus: Int32 {
        switch kind {
        case .usage: 64
        case .badData: 65
        case .runFailed: 1
        }
    }
}
