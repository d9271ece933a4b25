import Foundation
import PrismCore
import PrismDictionaries

/// `metrics.jsonl`: one line a step. Holds nothing that depends on the clock, so equal runs give equal files.
struct MetricsLog {
    struct Line: Codable {
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

    private let handle: FileHandle

    /// Opens the log to go on behind `step`: lines of later steps, written before a run was cut off, are dropped.
    init(_ url: URL, continuingAfter step: Int) throws {
        let kept = (try? Self.read(url)) ?? []
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        var text = Data()
        for line in kept where line.step <= step { text += try encoder.encode(line) + Data("\n".utf8) }
        try Files.writeAtomically(text, to: url)
        handle = try FileHandle(forWritingTo: url)
        try handle.seekToEnd()
    }

    func append(_ line: Line) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = try encoder.encode(line) + Data("\n".utf8)
        try explained(handle.write(contentsOf: text))
    }

    /// - Throws: `PrismError.runFailed` if what was appended does not fit the disk.
    func synchronise() throws { try explained(handle.synchronize()) }

    private func explained(_ body: @autoclosure () throws -> Void) throws {
        do {
            try body()
        } catch {
            throw PrismError.runFailed("cannot write metrics.jsonl: \(Files.reason(error)); free space and resume")
        }
    }

    /// All whole lines; a torn last one is passed over.
    static func read(_ url: URL) throws -> [Line] {
        String(decoding: try Files.read(url), as: UTF8.self).split(separator: "\n")
            .compactMap { try? JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }
}
