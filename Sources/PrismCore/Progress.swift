import Foundation

/// A progress line on standard error: share done, rate, time left.
///
/// On a terminal the line redraws itself; elsewhere a line is printed every ten seconds, so that logs stay readable.
public final class Progress {
    private let label: String
    private let unit: String
    private let unitSize: Int
    private let total: Int
    private var start = ContinuousClock.now
    private var done: Int
    private let doneAtStart: Int
    private var lastShown = ContinuousClock.now
    private var shown: Int?
    private let isTerminal = isatty(STDERR_FILENO) == 1

    /// - unitSize: how much of what is counted makes one unit of what is shown: 1,000,000 to count bytes and show MB.
    /// - alreadyDone: what was finished before this call, by a run that is being resumed: it counts as done, not as speed.
    public init(_ label: String, total: Int, unit: String, unitSize: Int = 1, alreadyDone: Int = 0) {
        self.label = label
        self.total = total
        self.unit = unit
        self.unitSize = unitSize
        done = alreadyDone
        doneAtStart = alreadyDone
    }

    /// - count: negative where something has to be done again.
    /// - note: a short figure to show behind the rate, for example "FVU 0.21".
    public func advance(by count: Int = 1, note: String = "") {
        done += count
        let now = ContinuousClock.now
        guard now - lastShown >= (isTerminal ? .milliseconds(200) : .seconds(10)) else { return }
        lastShown = now
        show(note)
    }

    /// Does other work, with a progress line of its own, that counts neither as time nor as speed of this one.
    public func pausing<R>(_ body: () throws -> R) rethrows -> R {
        let paused = ContinuousClock.now
        defer { start += ContinuousClock.now - paused }
        return try body()
    }

    /// Ends the line. - note: the closing figure.
    public func finish(note: String = "") {
        if shown != done || !note.isEmpty { show(note) }
        if isTerminal { writeToStandardError("\n") }
    }

    private func show(_ note: String) {
        shown = done
        let elapsed = Double((ContinuousClock.now - start) / .seconds(1))
        let rate = max(0, Double(done - doneAtStart)) / max(elapsed, 1e-9)
        let share = total > 0 ? min(1, Double(done) / Double(total)) : 1
        let left = rate > 0 ? Double(max(0, total - done)) / rate : 0
        var line = "\(label) "
        if isTerminal {
            let filled = Int(share * 24)
            line += String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled) + " "
        }
        line += "\(Int(share * 100))% · \(inUnits(done))/\(inUnits(total)) \(unit) · "
        let pace = rate / Double(unitSize)
        line += pace < 0.1 ? "\(Self.short(60 * pace)) \(unit)/min · " : "\(Self.short(pace)) \(unit)/s · "
        line += done < total ? "\(duration(left)) left" : "\(duration(elapsed))"
        if !note.isEmpty { line += " · \(note)" }
        writeToStandardError(isTerminal ? "\r\u{1B}[K" + line : line + "\n")
    }

    private func inUnits(_ count: Int) -> String {
        unitSize == 1 ? "\(count)" : Self.short(Double(count) / Double(unitSize))
    }

    private static func short(_ rate: Double) -> String {
        rate >= 100 ? "\(Int(rate))" : String(format: "%.1f", rate)
    }
}

/// Seconds as people say them: 9000 → "2 h 30 min".
package func duration(_ seconds: Double) -> String {
    let s = Int(min(seconds, 1e15).rounded())
    if s >= 172_800 { return "\(s / 86_400) days" }
    return s >= 3600 ? "\(s / 3600) h \(s / 60 % 60) min" : s >= 60 ? "\(s / 60) min \(s % 60) s" : "\(s) s"
}

/// Unlike `FileHandle`, does not crash where standard error is closed or its disk full.
package func writeToStandardError(_ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
