import Algorithms
import Foundation
import PrismActivations
import PrismConcepts
import PrismCore
import PrismDictionaries
import PrismFormats
import PrismMetrics
import PrismModels
import PrismSpectrum
import PrismTensor

/// Probes a dictionary's latents for what the text itself says: languages, sources, quotes, first letters, senses of words.
public struct ProbeMeasurement {
    public struct Options: Sendable {
        /// Contexts to look for examples in, as many of each source.
        public var texts = 16_000
        /// Name of one of a run's dictionaries; nil takes its only one.
        public var dictionary: String?
        public var rankings = UnitRanking.allCases
        public var seed: UInt64 = 0

        public init() {}
    }

    private let options: Options
    private let workers: Workers

    public init(_ options: Options, workers: Workers) { (self.options, self.workers) = (options, workers) }

    // MARK: A run

    /// - Throws: `PrismError.usage` if the model has changed since, or the run has several dictionaries and none is named.
    public func report(of run: Run) throws -> DisentanglementReport {
        let record = try run.readRecord()
        let member = try run.member(options.dictionary, record, namedBy: "--dictionary")
        let dictionary = try SparseDictionary(loading: member.dictionary)
        var configuration = record.configuration
        // All the text there is, to choose from.
        if configuration.model != nil { (configuration.tokens, configuration.evaluationTokens) = (1 << 26, 1 << 22) }
        configuration.contexts.oversample = nil
        let input = try RunInput(configuration)
        let places = member.configuration.reads.map { configuration.hooks.firstIndex(of: $0)! }
        let result: Disentanglement
        switch input {
        case .model(let model, let tokenizer, let corpus, let contexts):
            guard try model.digest() == record.digests["model"] else { throw run.changed("model") }
            let reader = ExampleReader(
                model, hooks: member.configuration.reads, sinks: record.sinks.part(places),
                sets(of: dictionary), workers: workers)
            result = try measure(reader, tokenizer, corpus, contexts)
        case .synthetic(let truth, let matrix, _):
            result = try measure(truth, matrix, dictionary)
        case .matrix:
            throw PrismError.usage(
                "the run was trained on vectors without a text: give labels of your own, with `prism probe DICTIONARY --activations vectors.npy --labels labels.npy`"
            )
        }
        return DisentanglementReport(
            title: "What the latents of \(member.configuration.reads.map(\.name).joined(separator: " + ")) tell",
            subtitle: "\(configuration.sourceName) · \(dictionary.latentCount) latents", result)
    }

    private func sets(of dictionary: SparseDictionary) -> [ExampleReader.DictionarySet] {
        [
            .init(name: "latents", dictionary: dictionary),
            .init(
                name: "latents, shuffled weights", dictionary: dictionary.shufflingWeights(seed: options.seed),
                isControl: true),
        ]
    }

    private func measure(
        _ reader: ExampleReader, _ tokenizer: Tokenizer, _ corpus: Corpus, _ contexts: TokenContexts
    ) throws -> Disentanglement {
        let chosen = evenly(contexts.heldOut + contexts.even, of: corpus)
        let labeller = try ConceptLibrary.builtIn.labeller(for: chosen, in: corpus, tokenizer: tokenizer)
        let tasks = try TextTasks(
            chosen, labeller: labeller, tokenizer: tokenizer, seed: options.seed, workers: workers)
        var reader = reader
        try reader.read(tasks)
        var result = Disentanglement()
        let progress = Progress(
            "probing",
            total: tasks.classifications.count + tasks.pairs.count + (tasks.senses == nil ? 0 : 1)
                + (tasks.attributes == nil ? 0 : 1), unit: "tasks")
        for task in tasks.classifications {
            try Interrupt.check()
            result.measure(
                try reader.examples(task).0, rankings: options.rankings,
                measuresAbsorption: task.name == TextTasks.letters, workers: workers)
            progress.advance()
        }
        for task in tasks.pairs {
            result.measurePair(try reader.examples(task).0, seed: options.seed, workers: workers)
            progress.advance()
        }
        if let senses = tasks.senses {
            let (examples, kept) = try reader.examples(senses.task)
            result.measureSenses(examples, senses: kept.map { senses.senses[$0] }, seed: options.seed)
            progress.advance()
        }
        if let attributes = tasks.attributes {
            result.measureSwaps(
                try reader.examples(attributes.task).0,
                attributes.attributes.map { AttributeSwap.Attribute(name: $0.name, values: $0.values) },
                seed: options.seed, workers: workers)
            progress.advance()
        }
        progress.finish()
        return result
    }

    /// The first contexts of each source, as many of each.
    private func evenly(_ contexts: [TokenContext], of corpus: Corpus) -> [TokenContext] {
        let sources = Set(corpus.documents.map(\.source)).count
        let limit = (options.texts + sources - 1) / sources
        var counts: [String: Int] = [:]
        return contexts.filter { context in
            counts[corpus.documents[context.document].source, default: 0] += 1
            return counts[corpus.documents[context.document].source]! <= limit
        }
    }

    // MARK: Known features

    /// Features that have children are the classes.
    private static let (parentLimit, knownVectors) = (8, 20_000)

    private func measure(
        _ truth: SyntheticActivations, _ matrix: Tensor, _ dictionary: SparseDictionary
    ) throws -> Disentanglement {
        let rows = min(matrix.rowCount, Self.knownVectors)
        let x = matrix.rows(0..<rows)
        let codes = truth.codes(0..<rows, workers: workers)
        let parents = Set(truth.features.parents.filter { $0 >= 0 }.map(Int.init))
        var counts: [Int: Int] = [:]
        for t in 0..<rows {
            for (feature, _) in codes[t] where parents.contains(feature) { counts[feature, default: 0] += 1 }
        }
        let known = counts.keys.sorted { (counts[$0]!, $1) > (counts[$1]!, $0) }.prefix(Self.parentLimit)
        guard known.count > 1 else {
            throw PrismError.usage("the world’s features have no children, so there is nothing general to probe for")
        }
        let examples = try labelled(
            "parent feature", known.map { "feature \($0)" }, x,
            isInside: known.map { feature in (0..<rows).map { codes[$0].contains { $0.latent == feature } } },
            dictionary)
        var result = Disentanglement()
        result.measure(examples, rankings: options.rankings, measuresAbsorption: true, workers: workers)
        return result
    }

    private func labelled(
        _ name: String, _ classes: [String], _ x: Tensor, isInside: [[Bool]], _ dictionary: SparseDictionary
    ) throws -> LabelledExamples {
        try LabelledExamples(
            name: name, classes: classes, x: x, isInside: isInside, isTest: (0..<x.rowCount).map { $0 % 5 == 0 },
            units: [ExampleUnits(neuronsOf: x)]
                + sets(of: dictionary).map {
                    ExampleUnits(
                        $0.name, $0.dictionary, codes: $0.dictionary.encode(x, workers: workers),
                        isControl: $0.isControl)
                })
    }

    // MARK: Vectors with labels

    /// Vectors with the class of each, or with two labels of 0 and 1; one vector in five is tested on.
    /// - labels: .npy, [vectors] or [vectors, 2]. vectors: .npy, [vectors, width].
    /// - Throws: `PrismError.badData` if they do not fit each other or the dictionary.
    public func report(dictionary: URL, vectors: URL, labels: URL) throws -> DisentanglementReport {
        let dictionary = try SparseDictionary(loading: dictionary)
        let x = try NpyFile(vectors).tensor()
        guard x.shape.count == 2, x.rowWidth == dictionary.width else {
            throw PrismError.badData(
                "\(vectors.path) has the shape \(x.shape); the dictionary takes [vectors, \(dictionary.width)]")
        }
        try x.requireFinite(in: vectors.path)
        let given = try NpyFile(labels).tensor()
        guard given.shape == [x.rowCount] || given.shape == [x.rowCount, 2] else {
            throw PrismError.badData(
                "\(labels.path) has the shape \(given.shape); \(x.rowCount) vectors need [\(x.rowCount)] classes or [\(x.rowCount), 2] labels"
            )
        }
        try given.requireFinite(in: labels.path)
        var result = Disentanglement()
        if given.shape.count == 2 {
            guard (0..<given.count).allSatisfy({ given.data[$0] == 0 || given.data[$0] == 1 }) else {
                throw PrismError.badData("\(labels.path): the two labels of a vector must be 0 or 1")
            }
            let examples = try labelled(
                "labels", ["first label", "second label"], x,
                isInside: (0..<2).map { label in (0..<x.rowCount).map { given[$0][label] == 1 } }, dictionary)
            result.measurePair(examples, seed: options.seed, workers: workers)
            guard !result.removal.isEmpty else {
                throw PrismError.badData(
                    "\(labels.path): some combination of the two labels is too rare, or a probe cannot tell them")
            }
        } else {
            let values = (0..<given.count).map { given.data[$0] }
            let classes = Set(values).sorted()
            guard classes.count > 1, classes.allSatisfy({ $0 == $0.rounded() }), classes.count <= 1000 else {
                throw PrismError.badData(
                    "\(labels.path) holds \(classes.count) different numbers; classes are whole numbers, 2 to 1,000 of them"
                )
            }
            let examples = try labelled(
                "labels", classes.map { "\(Int($0))" }, x, isInside: classes.map { own in values.map { $0 == own } },
                dictionary)
            result.measure(examples, rankings: options.rankings, measuresAbsorption: true, workers: workers)
            guard !result.probing.isEmpty else {
                throw PrismError.badData("\(labels.path): no class has 50 vectors inside and outside to probe on")
            }
        }
        return DisentanglementReport(
            title: "What latents tell of labelled vectors", subtitle: "\(x.rowCount) vectors", result)
    }
}

extension Run {
    /// The error for what a dictionary was trained on and is no longer the same.
    func changed(_ what: String) -> PrismError {
        .usage(
            "the \(what) of the run is not what the dictionary was trained on, its digest has changed; put the old one back or train a new dictionary"
        )
    }
}
