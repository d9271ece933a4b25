import Foundation
import PrismCore
import PrismDictionaries

/// The figures of one step, all `Double`s but the step.
protocol MetricsLine: Codable {
    var step: Int { get }
}

/// `metrics.jsonl`: one line a step; and, if wanted, the same as an event file for TensorBoard. Holds nothing that depends on
/// the clock, so equal runs give equal files.
struct MetricsLog<Line: MetricsLine> {
    private let lines: FileHandle
    private let events: FileHandle?

    /// Opens the log to go on behind `step`: lines of later steps, written before a run was cut off, are dropped.
    /// - events: the event file, made anew from the lines that stay; nil writes none.
    init(_ url: URL, events: URL?, continuingAfter step: Int) throws {
        let kept = ((try? Self.read(url)) ?? []).filter { $0.step <= step }
        lines = try Self.open(url, with: kept.reduce(into: Data()) { $0 += try Self.text($1) })
        self.events = try events.map {
            try Self.open($0, with: kept.reduce(into: TensorBoardEvents.version) { $0 += Self.event($1) })
        }
    }

    func append(_ line: Line) throws {
        try explained("metrics.jsonl", lines.write(contentsOf: Self.text(line)))
        if let events { try explained(TensorBoardEvents.fileName, events.write(contentsOf: Self.event(line))) }
    }

    /// - Throws: `PrismError.runFailed` if what was appended does not fit the disk.
    func synchronise() throws {
        try explained("metrics.jsonl", lines.synchronize())
        if let events { try explained(TensorBoardEvents.fileName, events.synchronize()) }
    }

    private static func text(_ line: Line) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try encoder.encode(line) + Data("\n".utf8)
    }

    private static func event(_ line: Line) -> Data {
        let values = Mirror(reflecting: line).children.compactMap { child in
            (child.value as? Double).map { (child.label!, $0) }
        }
        return TensorBoardEvents.metrics(step: line.step, values)
    }

    private static func open(_ url: URL, with content: Data) throws -> FileHandle {
        try Files.writeAtomically(content, to: url)
        let handle = try FileHandle(forWritingTo: url)
        try handle.seekToEnd()
        return handle
    }

    private func explained(_ name: String, _ body: @autoclosure () throws -> Void) throws {
        do {
            try body()
        } catch {
            throw PrismError.runFailed("cannot write \(name): \(Files.reason(error)); free space and resume")
        }
    }

    /// All whole lines; a torn last one is passed over.
    static func read(_ url: URL) throws -> [Line] {
        String(decoding: try Files.read(url), as: UTF8.self).split(separator: "\n")
            .compactMap { try? JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }
}

/// What a dictionary's step did.
struct DictionaryLine: MetricsLine {
    let step: Int
    let fvu, sparsity_loss, auxiliary_loss, l0, dead_fraction, gradient_norm, learning_rate: Double

    init(step: Int, _ report: DictionaryTrainer.Report, latents: Int) {
        self.step = step
        fvu = report.fvu
        sparsity_loss = report.sparsityLoss
        auxiliary_loss = report.auxiliaryLoss
        l0 = report.l0
        dead_fraction = Double(report.dead) / Double(latents)
        gradient_norm = report.gradientNorm
        learning_rate = Double(report.rate)
    }
}
