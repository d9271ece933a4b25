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
    /// Prompts begin as the contexts did that the dictionaries were trained on.
    public let tokenizer: Tokenizer
    /// In the order in which they were named.
    public let dictionaries: [PlacedDictionary]
    /// Where each lies in its run; nil for one that Prism did not train.
    let members: [Run.Member?]
    /// The first run's record; nil without runs.
    private let origin: Run.Record?

    /// - names: runs of one model (`folder` for all dictionaries of a run, `folder:dictionary` for one); or a model, and
    ///   dictionaries of any format behind it, as `folder@hook point`.
    /// - Throws: `PrismError.usage` for runs that are not of one model's activations, and for dictionaries of several hook
    ///   points or of other widths than the model; `.badData` if something cannot be read.
    public init(_ names: [String]) throws {
        guard let first = names.first else { throw PrismError.usage("name a run or a model") }
        self =
            try Self.isRun(first)
            ? Self(runs: names) : Self(model: first, dictionaries: Array(names.dropFirst()))
    }

    private init(runs names: [String]) throws {
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
        let configuration = records[0].configuration
        var (model, tokenizer) = try Self.opened(configuration.model!, precision: configuration.modelPrecision)
        guard try model.digest() == records[0].digests["model"] else {
            throw PrismError.badData(
                "\(configuration.model!) has changed since \(runs[0].run.folder.path) was made; its dictionary belongs to the former weights"
            )
        }
        tokenizer.addsBOS = configuration.contexts.prependBOS && tokenizer.bosID != nil
        (self.model, self.tokenizer, origin) = (model, tokenizer, records[0])
        let found = try zip(names, zip(runs, records)).flatMap { name, opened in
            let (run, record) = opened
            guard run.dictionary == nil else {
                return [(name, try run.run.member(run.dictionary, record, namedBy: "\(name):NAME"), record)]
            }
            return run.run.members(record.configuration).map { member in
                let own = member.configuration.name
                return (own.isEmpty ? name : "\(name):\(own)", member, record)
            }
        }
        members = found.map(\.1)
        dictionaries = try found.map { name, member, record in
            let hooks = member.configuration
            guard hooks.reads.count == 1, hooks.writes.count == 1 else {
                throw PrismError.usage(
                    "\(name) is a dictionary of several hook points; name one that reads one and writes one")
            }
            let place = record.configuration.hooks.firstIndex(of: hooks.reads[0])!
            return try PlacedDictionary(
                name: name, SparseDictionary(loading: member.dictionary), reads: hooks.reads[0],
                writes: hooks.writes[0], sinks: record.sinks.part([place]))
        }
    }

    /// What readers are told that a measurement is of.
    static func title(_ names: [String]) -> String {
        names.map { URL(filePath: $0).lastPathComponent }.joined(separator: ", ")
    }

    /// A model alone, or with dictionaries from elsewhere.
    private init(model name: String, dictionaries files: [String]) throws {
        let url = EmbeddedModel.url(name)
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw PrismError.usage("there is no run and no model ‘\(name)’")
        }
        var (model, tokenizer) = try Self.opened(name)
        let found = try files.map { try Self.foreign($0, model.configuration) }
        if let begins = found.lazy.compactMap(\.prependsBOS).first {
            tokenizer.addsBOS = begins && tokenizer.bosID != nil
        }
        (self.model, self.tokenizer, origin) = (model, tokenizer, nil)
        (dictionaries, members) = (found.map(\.dictionary), found.map { _ in nil })
    }

    /// A dictionary of any format, at the hook point that `name` or the dictionary itself says.
    private static func foreign(
        _ name: String, _ model: TransformerConfiguration
    ) throws -> (dictionary: PlacedDictionary, prependsBOS: Bool?) {
        let parts = name.split(separator: "@", maxSplits: 1).map(String.init)
        let (dictionary, metadata, _) = try DictionaryFormats.read(URL(filePath: parts[0]))
        let own = [metadata.hookName, metadata.outputHookName].compactMap(\.self)
        let hooks = try (parts.count > 1 ? parts[1].split(separator: ",").map(String.init) : own).map(HookPoint.init)
        guard let reads = hooks.first, let writes = hooks.last, hooks.count < 3 else {
            throw PrismError.usage(
                "\(name) does not say where it belongs; name its hook point, as in \(parts[0])@blocks.8.hook_resid_post, of a transcoder both, as in \(parts[0])@blocks.8.mlp.hook_in,blocks.8.hook_mlp_out"
            )
        }
        for (hook, width) in [(reads, dictionary.width), (writes, dictionary.outputWidth)] {
            guard hook.layer.map({ $0 < model.layerCount }) ?? true, model.width(at: hook) == width else {
                throw PrismError.usage(
                    "\(name) has vectors of \(width) numbers at \(hook); the model has \(model.layerCount) layers and \(model.width(at: hook)) numbers there"
                )
            }
        }
        return (try PlacedDictionary(name: name, dictionary, reads: reads, writes: writes), metadata.prependBOS)
    }

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

    /// Contexts of documents that the first run's training never saw, or of text that is named.
    /// - tokens: used positions at least, as far as there are that many. text: files and folders; empty for the run's own.
    /// - Throws: `PrismError.usage` if there is neither a run nor text.
    public func heldOut(tokens: Int, text: [String] = []) throws -> [TokenContext] {
        var configuration = origin?.configuration.contexts ?? ContextConfiguration()
        configuration.prependBOS = tokenizer.addsBOS
        let paths = text.isEmpty ? origin?.configuration.text ?? [] : text
        guard !paths.isEmpty else {
            throw PrismError.usage(
                "a model alone has no text; name some with --text, or a run, whose held-out text is read")
        }
        return try TokenContexts(
            Corpus(paths: paths.map { URL(filePath: $0) }), tokenizer: tokenizer, configuration, trainingTokens: 1,
            heldOutTokens: tokens
        ).heldOut
    }

    /// A prompt's tokens, after the BOS where prompts begin with one.
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
