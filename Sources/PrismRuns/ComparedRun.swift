import Foundation
import PrismCore
import PrismDictionaries
import PrismModels
import PrismSpectrum
import PrismTensor

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

    /// A dictionary and where its vectors come from.
    struct Opened {
        let dictionary: ComparedDictionary
        let hooks: [HookPoint]
        /// nil for the same model's.
        let model: Transformer?
    }

    /// Opens the dictionary, and the model that it is of if that is another one.
    /// - tokenizer: what the text is read with; nil where there is no model.
    /// - Throws: `PrismError.usage` if its model has other tokens, or it is not of the same vectors where there is none.
    func opened(beside member: Run.Member, _ record: Run.Record, _ tokenizer: Tokenizer?) throws -> Opened {
        let otherRecord = try run.readRecord()
        let other = try run.member(dictionary, otherRecord, namedBy: "--compare \(run.folder.path):NAME")
        var model: Transformer?
        if let tokenizer, let path = otherRecord.configuration.model {
            if record.digests["model"] != otherRecord.digests["model"] {
                model = try self.model(path, otherRecord.configuration, with: tokenizer)
            }
        } else if record.digests["activations"] != otherRecord.digests["activations"] {
            throw PrismError.usage(
                "\(other.folder.path) is of other vectors, its digest differs; what latents do can be compared only on the same ones"
            )
        }
        let name = run.folder.lastPathComponent + (dictionary.map { ":\($0)" } ?? "")
        let sharesSpace = model == nil && other.configuration.writes == member.configuration.writes
        return Opened(
            dictionary: ComparedDictionary(
                name: name, try SparseDictionary(loading: other.dictionary), sharesSpace: sharesSpace),
            hooks: other.configuration.reads, model: model)
    }

    /// Another model, which must read the same tokens as the run's own.
    private func model(
        _ path: String, _ configuration: DiscoveryConfiguration, with tokenizer: Tokenizer
    ) throws -> Transformer {
        let url = EmbeddedModel.url(path)
        let model = try Transformer(loading: url, precision: configuration.modelPrecision, backend: CPUBackend())
        let other = try model.tokenizer(loading: url)
        let count = Int32(tokenizer.vocabularyCount)
        guard other.vocabularyCount == count, (0..<count).allSatisfy({ other.bytes(of: $0) == tokenizer.bytes(of: $0) })
        else {
            throw PrismError.usage(
                "\(run.folder.path) is of a model with another tokenizer; what latents do can be compared only on the same tokens"
            )
        }
        return model
    }
}

extension Run {
    /// One of the run's dictionaries.
    /// - name: nil for the only one. option: what names it on the command line.
    /// - Throws: `PrismError.usage` if there is none of the name, or there are several and no name.
    func member(_ name: String?, _ record: Record, namedBy option: String) throws -> Member {
        let members = members(record.configuration)
        let names = members.map(\.configuration.name)
        if let found = name == nil && members.count == 1
            ? members[0] : members.first(where: { $0.configuration.name == name })
        {
            return found
        }
        if let name, names == [""] {
            throw PrismError.usage("the run’s only dictionary has no name; leave ‘\(name)’ out")
        }
        throw PrismError.usage(
            name.map { "the run has no dictionary ‘\($0)’; the nearest name is ‘\($0.nearest(among: names))’" }
                ?? "the run has \(members.count) dictionaries; name one with \(option): \(names.joined(separator: ", "))"
        )
    }
}
