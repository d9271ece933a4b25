import Foundation
import PrismCore
import PrismTestSupport
import Testing

/// How a command ended.
struct Outcome {
    /// Exit status, or minus the signal that ended it.
    let status: Int32
    let output: String
    let errors: String

    /// What it wrote on standard error that is no progress line.
    var complaints: [String] {
        errors.split(separator: "\n").map(String.init).filter { !$0.contains("% · ") }
    }
}

/// The `prism` command, run as its users run it.
struct Command {
    /// Beside the tests' own bundle where that is known, else where a release build puts it.
    static let executable: URL = {
        let beside = Bundle.main.executableURL?.deletingLastPathComponent().appending(path: "prism")
        let candidates = [
            beside, packageRoot.appending(path: ".build/release/prism"),
            packageRoot.appending(path: ".build/debug/prism"),
        ]
        return candidates.compactMap(\.self).first { FileManager.default.isExecutableFile(atPath: $0.path) }
            ?? packageRoot.appending(path: ".build/release/prism")
    }()

    let arguments: [String]
    /// Working folder.
    let folder: URL
    /// The most kilobytes that a file may grow to, as on a disk that is nearly full.
    var fileLimit: Int?
    /// Variables set for it beside those of the tests.
    var environment: [String: String]

    init(
        _ arguments: [String], in folder: URL, fileLimit: Int? = nil, environment: [String: String] = [:]
    ) {
        self.arguments = arguments
        self.folder = folder
        self.fileLimit = fileLimit
        self.environment = environment
    }

    /// Runs it to its end. - body: what to do to it, given its process id and whether it still runs.
    func run(whileRunning body: (_ process: Int32, _ isRunning: () -> Bool) throws -> Void = { _, _ in }) throws
        -> Outcome
    {
        // To files, not pipes, whose buffers could fill and stop it.
        let scratch = FileManager.default.temporaryDirectory.appending(path: "prism-output-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (output, errors) = (scratch.appending(path: "output"), scratch.appending(path: "errors"))
        // Ignored, the signal that a limit sends becomes an error of the write.
        let limit = fileLimit.map { "trap '' XFSZ; ulimit -f \($0);" } ?? ""
        let settings = environment.isEmpty ? [] : ["/usr/bin/env"] + environment.map { "\($0)=\($1)" }
        let words =
            ["/bin/bash", "-c", "cd \"$0\"; \(limit) exec \"$@\"", folder.path] + settings
            + [Self.executable.path] + arguments
        // Not Foundation's `Process`, which tells of the end only to a run loop, and leaves signals blocked in the child.
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, output.path, O_CREAT | O_WRONLY, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors.path, O_CREAT | O_WRONLY, 0o600)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let strings = words.map { strdup($0) } + [nil]
        defer { for string in strings { free(string) } }
        var process: pid_t = 0
        let failure = posix_spawn(&process, words[0], &actions, &attributes, strings, environ)
        guard failure == 0 else { throw PrismError.runFailed("\(words[0]): \(String(cString: strerror(failure)))") }

        var status: Int32?
        func isRunning() -> Bool {
            var found: Int32 = 0
            if status == nil, waitpid(process, &found, WNOHANG) == process { status = found }
            return status == nil
        }
        try body(process, isRunning)
        while isRunning() { usleep(1000) }
        // The lowest seven bits are the signal, the next eight the exit status.
        let signal = status! & 0x7f
        return Outcome(
            status: signal == 0 ? (status! >> 8) & 0xff : -signal,
            output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }
}

/// Runs `prism` to its end and expects success.
@discardableResult
func prism(_ arguments: String..., in folder: URL, sourceLocation: SourceLocation = #_sourceLocation) throws -> Outcome
{
    let outcome = try Command(arguments, in: folder).run()
    #expect(outcome.status == 0, "\(arguments): \(outcome.complaints)", sourceLocation: sourceLocation)
    #expect(outcome.complaints.isEmpty, sourceLocation: sourceLocation)
    return outcome
}

/// Runs a command that must end well.
func succeed(_ arguments: [String], in folder: URL) throws {
    let outcome = try Command(arguments, in: folder).run()
    #expect(outcome.status == 0, "\(arguments): \(outcome.complaints)")
}

/// Expects one sentence for people on standard error, and the status.
func expectFailure(
    _ outcome: Outcome, _ status: Int32, mentions: String..., sourceLocation: SourceLocation = #_sourceLocation
) {
    let complaints = outcome.complaints
    #expect(outcome.status == status, "\(complaints)", sourceLocation: sourceLocation)
    #expect(complaints.count == 1, "\(complaints)", sourceLocation: sourceLocation)
    let sentence = complaints.first ?? ""
    #expect(sentence.hasPrefix("prism: "), "\(sentence)", sourceLocation: sourceLocation)
    for mention in mentions {
        #expect(sentence.contains(mention), "\(sentence) lacks ‘\(mention)’", sourceLocation: sourceLocation)
    }
    for debris in ["Error.", "Error Domain", "Optional(", "CodingKeys", "Debug description", "PrismError", ".swift:"] {
        #expect(!sentence.contains(debris), "\(sentence)", sourceLocation: sourceLocation)
    }
}

/// A moment at which to stop a run.
enum Moment: CustomTestStringConvertible {
    /// Seconds after the file appeared; a name relative to the run's folder.
    case file(String, after: Double = 0)
    case seconds(Double)

    var testDescription: String {
        switch self {
        case .file(let name, let delay): "\(name) + \(delay) s"
        case .seconds(let seconds): "\(seconds) s"
        }
    }

    /// Waits for it, or until the process has ended. - Returns: whether the process still runs.
    func wait(run: URL, _ isRunning: () -> Bool) -> Bool {
        let delay: Double
        switch self {
        case .seconds(let seconds): delay = seconds
        case .file(let name, let after):
            let path = run.appending(path: name).path
            while access(path, F_OK) != 0 {
                guard isRunning() else { return false }
                usleep(100)
            }
            delay = after
        }
        let end = ContinuousClock.now + .seconds(delay)
        while ContinuousClock.now < end, isRunning() { usleep(100) }
        return isRunning()
    }
}

extension Command {
    /// Runs it and sends a signal at the moment. - Returns: nil if it had ended before.
    func run(until moment: Moment, run: URL, signal: Int32 = SIGKILL) throws -> Outcome? {
        var wasSent = false
        let outcome = try self.run { process, isRunning in
            guard moment.wait(run: run, isRunning) else { return }
            wasSent = kill(process, signal) == 0
        }
        return wasSent && outcome.status != 0 ? outcome : nil
    }
}

/// Expects two finished runs to be equal byte for byte, and nothing half-written to be left.
/// - more: files that not every run has.
func expectSameRun(_ a: URL, _ b: URL, more: [String] = [], sourceLocation: SourceLocation = #_sourceLocation) throws {
    func files(_ run: URL) -> [String] {
        (FileManager.default.enumerator(atPath: run.path)?.allObjects as? [String] ?? []).filter {
            !$0.hasPrefix("checkpoints") && $0 != "dictionary"
        }.sorted()
    }
    let names =
        (more + [
            "atlas.sqlite", "dictionary/cfg.json", "dictionary/sae_weights.safetensors",
            "dictionary/sparsity.safetensors",
            "evaluation.json", "metrics.jsonl", "report.html", "run.json",
        ]).sorted()
    #expect(files(a) == names, sourceLocation: sourceLocation)
    #expect(files(b) == names, sourceLocation: sourceLocation)
    for name in names {
        guard let one = try? Data(contentsOf: a.appending(path: name)),
            let other = try? Data(contentsOf: b.appending(path: name))
        else { continue }
        // Compared here: a failed expectation would look for the shortest edit between megabytes.
        let isSame = one == other
        #expect(isSame, "\(name) differs: \(one.count) and \(other.count) bytes", sourceLocation: sourceLocation)
    }
}
