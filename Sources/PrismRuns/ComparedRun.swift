import Foundation
import PrismCore
import PrismDictionaries
import PrismSpectrum

/// A run whose dictionary is set beside another run's, on the other's text.
public struct ComparedRun: Sendable {
    public let run: Run
    /// One of its dictionaries; nil takes its only one.
    public let dictionary: String?

    /// - text: the run's folder, or `folder:name` for one of its dictionaries. A folder whose own name has a colon is taken for
    ///   what it is.
    /// - Throws: `PrismError.usage` if there is no run.
    public init(_ text: String) throws {
        if let colon = text.lastIndex(of: ":"), !FileManager.default.fileExists(atPath: text) {
            run = try Run(URL(filePath: String(text[..<colon])))
            dictionary = String(text[text.index(after: colon)...])
        } else {
            run = try Run(URL(filePath: text))
            dictionary = nil
        }
    }

    /// The dictionary, and the hook points that it reads.
    /// - Throws: `PrismError.usage` if it is not of the same model, or of the same vectors where there is none.
    func opened(beside member: Run.Member, _ record: Run.Record) throws -> (ComparedDictionary, [HookPoint]) {
        let otherRecord = try run.readRecord()
        let other = try run.member(dictionary, otherRecord, namedBy: "--compare \(run.folder.path):NAME")
        let subject = record.configuration.model == nil ? "activations" : "model"
        guard record.digests[subject] == otherRecord.digests[subject] else {
            throw PrismError.usage(
                "\(other.folder.path) is of \(subject == "model" ? "another model" : "other vectors"), its digest differs; what latents do can be compared only on the same \(subject)"
            )
        }
        let name = run.folder.lastPathComponent + (dictionary.map { ":\($0)" } ?? "")
        let sharesSpace = other.configuration.writes == member.configuration.writes
        let compared = ComparedDictionary(
            name: name, try SparseDictionary(loading: other.dictionary), sharesSpace: sharesSpace)
        return (compared, other.configuration.reads)
    }
}

extension Run {
    /// One of the run's dictionaries.
    /// - name: nil for the only one. option: what names it on the command line.
    /// - Throws: `PrismError.usage` if there is none of the name, or there are several and no name.
    func member(_ name: String?, _ record: Record, namedBy option: String) throws -> Member {
        let members = members(record.configuration)
        let names = members.map(\.configuration.name)
        if let found = members.count == 1 ? members[0] : members.first(where: { $0.configuration.name == name }) {
            return found
        }
        throw PrismError.usage(
            name.map { "the run has no dictionary ‘\($0)’; the nearest name is ‘\($0.nearest(among: names))’" }
                ?? "the run has \(members.count) dictionaries; name one with \(option): \(names.joined(separator: ", "))"
        )
    }
}
