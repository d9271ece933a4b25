import Foundation
import PrismActivations
import PrismCausal
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

/// What causal commands work on: a model, its tokenizer, and dictionaries at their places in it.
public struct CausalSubject: Sendable {
    public let model: Transformer
    public let tokenizer: Tokenizer
    /// In the order in which they were named.
    public let dictionaries: [PlacedDictionary]
    /// The first run and its record; nil for a model alone.
    private let origin: Run.Record?
    /// Where each dictionary lies in its run.
    let members: [Run.Member]

    /// - names: runs of one model (`folder`, or `folder:dictionary` where a run has several), or a model alone.
    /// - Throws: `PrismError.usage` for runs that are not of one model's activations, and for dictionaries of several hook
    ///   points; `.badData` if something cannot be read.
    public init(_ names: [String]) throws {
        guard let first = names.first else { throw PrismError.usage("name a run or a model") }
        if names.count == 1, try !Self.isRun(first) {
            let url = EmbeddedModel.url(first)
            guard FileManager.default.fileExists(atPath: url.path) else {
                throw PrismError.usage("there is no run and no model \(url.path)")
            }
            (model, tokenizer) = try Self.opened(first)
            (dictionaries, members, origin) = ([], [], nil)
            return
        }
        let runs = try names.map { try ComparedRun($0) }
        let records = try runs.map { try $0.run.readRecord() }
        for (run, record) in zip(runs, records) {
            guard record.configuration.model != nil, record.configuration.randomModel != true else {
                throw PrismError.usage(
                    "\(run.run.folder.path) is of \(record.configuration.model == nil ? "stored vectors" : "a model of shuffled weights"); name a run of a model’s own activations"
                )
            }
            guard record.digests["model"] == records[0].digests["model"] else {
                throw PrismError.usage("\(run.run.folder.path) and \(runs[0].run.folder.path) are of different models")
            }
        }
        let (model, tokenizer) = try Self.opened(
            records[0].configuration.model!, precision: records[0].configuration.modelPrecision)
        guard try model.digest() == records[0].digests["model"] else {
            throw PrismError.badData(
                "\(records[0].configuration.model!) has changed since \(runs[0].run.folder.path) was made; its dictionary belongs to the former weights"
            )
        }
        (self.model, self.tokenizer, origin) = (model, tokenizer, records[0])
        members = try zip(runs, records).map {
            try $0.run.member($0.dictionary, $1, namedBy: "\($0.run.folder.path):NAME")
        }
        dictionaries = try zip(names, zip(members, records)).map { name, found in
            let (member, record) = found
            guard let reads = member.configuration.reads.first, let writes = member.configuration.writes.first,
                member.configuration.reads.count == 1, member.configuration.writes.count == 1
            else {
                throw PrismError.usage(
                    "\(name) is a dictionary of several hook points; name one that reads one and writes one")
            }
            let place = record.configuration.hooks.firstIndex(of: reads)!
            return PlacedDictionary(
                name: name, try SparseDictionary(loading: member.dictionary), reads: reads, writes: writes,
                sinks: record.sinks.part([place]))
        }
    }

    /// - Throws: `PrismError.badData` for a run whose record cannot be read.
    private static func isRun(_ name: String) throws -> Bool {
        do {
            _ = try ComparedRun(name)
            return true
        } catch let error as PrismError where error.kind == .usage {
            return false
        }
    }

    private static func opened(_ model: String, precision: Precision = .fp32) throws -> (Transformer, Tokenizer) {
        let url = EmbeddedModel.url(model)
        let opened = try Transformer(loading: url, precision: precision, backend: CPUBackend())
        return (opened, try opened.tokenizer(loading: url))
    }

    /// Contexts of documents that the first run's training never saw.
    /// - tokens: used positions at least, as far as there are that many.
    /// - Throws: `PrismError.usage` for a model alone.
    public func heldOut(tokens: Int) throws -> [TokenContext] {
        guard let origin else {
            throw PrismError.usage("a model alone has no text; name a run, whose held-out text is read")
        }
        let configuration = origin.configuration
        return try TokenContexts(
            Corpus(paths: configuration.text.map { URL(filePath: $0) }), tokenizer: tokenizer, configuration.contexts,
            trainingTokens: 1, heldOutTokens: tokens
        ).heldOut
    }

    /// A prompt's tokens, after the BOS where the model expects one.
    /// - Throws: `PrismError.usage` for an empty prompt or one that the model cannot read.
    public func tokens(of prompt: String) throws -> [Int32] {
        let bos = tokenizer.addsBOS ? tokenizer.bosID.map { [$0] } ?? [] : []
        let tokens = bos + tokenizer.encode(prompt)
        guard tokens.count > bos.count else { throw PrismError.usage("the prompt is empty") }
        guard tokens.count <= model.configuration.contextLength else {
            throw PrismError.usage(
                "the prompt has \(tokens.count) tokens; the model reads at most \(model.configuration.contextLength)")
        }
        return tokens
    }
}
