import Algorithms
import Foundation
import PrismActivations
import PrismConcepts
import PrismCore
import PrismDictionaries
import PrismLab
import PrismMetrics
import PrismModels
import PrismSpectrum
import PrismTensor

/// Measures a model's neurons and a dictionary's latents side by side on text.
public struct SpectrumMeasurement {
    /// What to measure beyond the run itself.
    public struct Options: Sendable {
        /// Vectors to look at; held-out contexts first, then those of the training documents.
        public var tokens = 100_000
        /// Files of concepts to add to the built-in ones.
        public var concepts: [URL] = []
        /// Name of one of the run's dictionaries; nil takes its only one.
        public var dictionary: String?
        /// Another run, whose dictionary is set beside this one's.
        public var compared: ComparedRun?
        /// Units of each kind to take away, one at a time, to see where the model's predictions change.
        public var ablated = 12
        /// Whether the neurons of the same model with shuffled weights stand beside the others.
        public var hasRandomModel = false
        public var seed: UInt64 = 0

        public init() {}
    }

    private let configuration: DiscoveryConfiguration
    private let hooks: [HookPoint]
    /// Where the dictionary writes.
    private let writes: [HookPoint]
    private let sinks: SinkFilter
    private let input: RunInput
    private let dictionary: SparseDictionary?
    private let compared: ComparedRun.Opened?
    private let options: Options
    private let workers: Workers

    /// The neurons at a hook point of a run's dictionary beside its latents.
    /// - Throws: `PrismError.usage` if the model or the text has changed since, or the run has several dictionaries and
    ///   none of them is named.
    public init(of run: Run, _ options: Options, workers: Workers) throws {
        let record = try run.readRecord()
        var configuration = record.configuration
        let member = try run.member(options.dictionary, record, namedBy: "--dictionary")
        let dictionary = try SparseDictionary(loading: member.dictionary)
        configuration.evaluationTokens = options.tokens
        let input = try RunInput(configuration)
        // Vectors that are made have the digest of as many as the run made.
        let digests = try (configuration.activations == nil ? input : RunInput(record.configuration)).digests()
        for name in ["model", "activations"] where digests[name] != record.digests[name] {
            throw run.changed(name)
        }
        var tokenizer: Tokenizer?
        if case .model(_, let own, _, _) = input { tokenizer = own }
        let compared = try options.compared.map { try $0.opened(beside: member, record, tokenizer) }
        let reads = member.configuration.reads
        let places = reads.map { configuration.hooks.firstIndex(of: $0)! }
        self.init(
            configuration, reads, member.configuration.writes, record.sinks.part(places), input, dictionary, compared,
            options, workers)
    }

    /// The neurons at a hook point alone.
    /// - configuration: its model, text, contexts and, of its first dictionary, the hook points count.
    public init(neuronsOf configuration: DiscoveryConfiguration, _ options: Options, workers: Workers) throws {
        var configuration = configuration
        configuration.evaluationTokens = options.tokens
        let input = try RunInput(configuration)
        let sinks = try SinkFilter(
            for: input.source(configuration), multiple: configuration.normLimit, workers: workers)
        self.init(
            configuration, configuration.hooks, configuration.hooks, sinks, input, nil, nil, options, workers)
    }

    private init(
        _ configuration: DiscoveryConfiguration, _ hooks: [HookPoint], _ writes: [HookPoint], _ sinks: SinkFilter,
        _ input: RunInput, _ dictionary: SparseDictionary?, _ compared: ComparedRun.Opened?,
        _ options: Options, _ workers: Workers
    ) {
        self.configuration = configuration
        self.hooks = hooks
        self.writes = writes
        self.sinks = sinks
        self.input = input
        self.dictionary = dictionary
        self.compared = compared
        self.options = options
        self.workers = workers
    }

    /// Measures, audits the metrics on planted truth, and gathers what a report shows.
    public func report() throws -> SpectrumReport {
        let audit = try Audit(seed: options.seed, workers: workers)
        let place = hooks.map(\.name).joined(separator: " + ")
        let source: LabelledSource
        var excerpt: (UnitExample) -> TextExcerpt = { TextExcerpt(before: "", token: "\($0.position)", after: "") }
        var controls: LabelledSource?
        var localise: ((Measured) throws -> [Localisation])?
        switch input {
        case .model(let model, let tokenizer, let corpus, let contexts):
            var library = ConceptLibrary.builtIn
            for file in options.concepts { library = try library.adding(yaml: file) }
            let used = chosen(contexts)
            let labeller = try library.labeller(for: used, in: corpus, tokenizer: tokenizer)
            let own = Set(library.concepts.dropFirst(ConceptLibrary.builtIn.concepts.count).map(\.name))
            try requireVariety(of: own, labeller, used)
            source = self.source(model, used, labeller)
            let texts = ContextTexts(used, tokenizer)
            excerpt = { texts.excerpt($0) }
            if options.ablated > 0 {
                let ablation = UnitAblation(
                    model: model, reads: hooks, writes: writes, sinks: sinks, labeller: labeller, workers: workers)
                localise = { measured in
                    try ablation.localisations(
                        of: measured.sets.filter { $0.areLatents && !$0.isControl || $0.name == Self.neurons },
                        measured.spectrum, used, count: options.ablated, seed: options.seed)
                }
            }
            if options.hasRandomModel {
                let random = try Transformer(
                    loading: EmbeddedModel.url(configuration.model ?? ""), precision: configuration.modelPrecision,
                    shufflingWeights: options.seed, backend: CPUBackend())
                controls = self.source(random, used, labeller)
            }
        case .synthetic(let truth, let matrix, let heldOut): source = self.source(truth, matrix, heldOut)
        case .matrix:
            throw PrismError.usage(
                "the spectrum needs text or known features, to tell what units respond to; this run was trained on vectors without any"
            )
        }
        let measured = try measure(source, dictionary, "measuring")
        var spectrum = measured.spectrum
        if let controls {
            let random = try measure(controls, nil, "measuring the model of random weights").spectrum
            spectrum.addControls(from: random, suffix: "model of random weights")
        }
        let ledger = try dictionary.map { try measured.samples.ledger(of: $0, truth: truth, workers: workers) }
        let localisations = try localise?(measured) ?? []
        return SpectrumReport(
            title: configuration.model == nil ? "The spectrum of known features" : "The spectrum of \(place)",
            subtitle:
                "\(configuration.sourceName) · \(spectrum.vectors) vectors in \(spectrum.contexts) contexts · \(spectrum.concepts.count) concepts",
            spectrum, ledger: ledger, localisations: localisations, geometry: measured.geometry, audit: audit,
            excerpt: excerpt)
    }

    private var truth: SyntheticActivations? {
        if case .synthetic(let truth, _, _) = input { truth } else { nil }
    }

    // MARK: Where vectors and their concepts come from

    /// Of a concept that no token has, or every one, no unit can say anything. Those of the library may be missing from a text;
    /// those that a user adds are meant to be found.
    private func requireVariety(of names: Set<String>, _ labeller: ConceptLabeller, _ contexts: [TokenContext]) throws {
        guard !names.isEmpty else { return }
        let columns = labeller.concepts.indices.filter { names.contains(labeller.concepts[$0].name) }
        let counts = workers.map(contexts.count, by: 8) { _, range in
            range.reduce(into: [Int](repeating: 0, count: columns.count)) { counts, index in
                let scores = labeller.scores(contexts[index])
                for position in contexts[index].positions {
                    for (i, column) in columns.enumerated() where scores[Int(position)][column] > 0 { counts[i] += 1 }
                }
            }
        }
        let tokens = contexts.reduce(0) { $0 + $1.positions.count }
        for (i, column) in columns.enumerated() {
            let count = counts.reduce(0) { $0 + $1[i] }
            guard count == 0 || count == tokens else { continue }
            throw PrismError.usage(
                "the concept ‘\(labeller.concepts[column].name)’ holds \(count == 0 ? "none" : "all") of the \(tokens) tokens, so there is nothing to tell it from: correct it, or give more --tokens"
            )
        }
    }

    /// Contexts of vectors with their concepts.
    private struct LabelledSource {
        let concepts: [Concept]
        let contexts, vectors: Int
        let read: (Range<Int>) throws -> [LabelledVectors]
    }

    private func chosen(_ contexts: TokenContexts) -> [TokenContext] {
        var room = options.tokens
        return (contexts.heldOut + contexts.even).prefix { context in
            defer { room -= context.positions.count }
            return room > 0
        }
    }

    private func source(
        _ model: Transformer, _ contexts: [TokenContext], _ labeller: ConceptLabeller
    ) -> LabelledSource {
        let elsewhere = compared.flatMap { $0.model == nil && $0.hooks == hooks ? nil : $0 }
        let vectors = contexts.reduce(0) { $0 + $1.positions.count }
        return LabelledSource(concepts: labeller.concepts, contexts: contexts.count, vectors: vectors) { range in
            let chunk = Array(contexts[range])
            func run(_ model: Transformer, _ hooks: [HookPoint]) throws -> CapturedActivations {
                try model.run(
                    ForwardRequest(contexts: chunk.map(\.tokens), capture: Array(hooks.uniqued())), workers: workers)
            }
            let captured = try run(model, hooks + (elsewhere?.model == nil ? elsewhere?.hooks ?? [] : []))
            let others = try elsewhere?.model.map { try run($0, elsewhere!.hooks) } ?? captured
            return workers.map(chunk.count, by: 1) { _, place in
                let index = place.lowerBound
                let (context, rows) = captured.used(of: chunk[index], index, hooks, sinks)
                return LabelledVectors(
                    x: captured.joined(hooks, rows),
                    scores: labeller.scores(chunk[index]).gathered(context.positions.map(Int.init)),
                    context: range.lowerBound + index, positions: context.positions,
                    elsewhere: elsewhere.map { others.joined($0.hooks, rows) })
            }
        }
    }

    /// Known features in the place of concepts: those that are active most often. Made vectors have no sinks to leave out.
    private func source(_ truth: SyntheticActivations, _ matrix: Tensor, _ groups: [[Int]]) -> LabelledSource {
        let codes = truth.codes(0..<truth.vectorCount, workers: workers)
        var counts = [Int](repeating: 0, count: truth.features.directions.rowCount)
        for t in 0..<codes.rowCount { for (feature, _) in codes[t] { counts[feature] += 1 } }
        let known = counts.indices.sorted { (counts[$0], $1) > (counts[$1], $0) }.prefix(Self.knownFeatures)
        let columns = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, $0) })
        let concepts = known.map {
            Concept(name: "feature \($0)", family: "feature", definition: "Vectors that hold the known feature \($0).")
        }
        return LabelledSource(concepts: concepts, contexts: groups.count, vectors: matrix.rowCount) { range in
            range.map { index in
                let rows = groups[index]
                let scores = Tensor(rows.count, known.count)
                for (t, row) in rows.enumerated() {
                    for (feature, value) in codes[row] {
                        if let column = columns[feature] { scores[t][column] = value }
                    }
                }
                return LabelledVectors(
                    x: matrix.gathered(rows), scores: scores, context: index,
                    positions: rows.map { Int32($0 - groups[index][0]) })
            }
        }
    }

    /// Known features that are concepts at most.
    private static let knownFeatures = 256

    // MARK: Measuring

    /// Contexts of one pass of the model.
    private static let chunk = 32
    private static let neurons = "neurons"

    private struct Measured {
        let sets: [UnitSet]
        let spectrum: Spectrum
        let samples: LedgerSamples
        /// Nil without a dictionary.
        let geometry: LatentGeometry?
    }

    private func measure(
        _ source: LabelledSource, _ dictionary: SparseDictionary?, _ what: String
    ) throws -> Measured {
        let first = try source.read(0..<min(2 * Self.chunk, source.contexts))
        let sample = Tensor(joining: first.map(\.x))
        guard sample.rowCount > 1 else { throw sinks.nothingLeft }
        if let dictionary {
            try dictionary.requireWidths(
                input: sample.rowWidth, output: dictionary.outputWidth, hooks.map(\.name).joined(separator: ", "))
        }
        if let compared {
            try compared.dictionary.dictionary.requireWidths(
                input: first[0].elsewhere?.rowWidth ?? sample.rowWidth,
                output: compared.dictionary.dictionary.outputWidth,
                compared.hooks.map(\.name).joined(separator: ", "))
        }
        let geometry = try dictionary.map {
            try GeometryBuilder($0, mean: sample.columnMeans, compared: compared?.dictionary, workers: workers)
        }
        let sets = sets(dictionary, sample)
        let builder = try SpectrumBuilder(
            sets, concepts: source.concepts, mean: sample.columnMeans, contexts: source.contexts,
            geometry: geometry)
        var samples = LedgerSamples()
        let progress = Progress(what, total: source.contexts, unit: "contexts")
        for start in stride(from: 0, to: source.contexts, by: Self.chunk) {
            try Interrupt.check()
            let range = start..<min(start + Self.chunk, source.contexts)
            let chunk = range.upperBound <= first.count ? Array(first[range]) : try source.read(range)
            builder.add(chunk, workers: workers)
            if dictionary != nil { samples.add(chunk) }
            progress.advance(by: chunk.count)
        }
        progress.finish()
        return Measured(
            sets: sets, spectrum: builder.finish(workers: workers), samples: samples,
            geometry: geometry?.finish(seed: options.seed, workers: workers))
    }

    /// The units to measure, and beside them what chance gives.
    private func sets(_ dictionary: SparseDictionary?, _ sample: Tensor) -> [UnitSet] {
        let (width, seed) = (sample.rowWidth, options.seed)
        let neurons = UnitSet(Self.neurons, directions: nil, sample: sample)
        var sets = [neurons]
        if let dictionary { sets.append(UnitSet("latents", dictionary)) }
        sets.append(.principalComponents(of: sample, workers: workers))
        sets.append(
            UnitSet(
                "random directions", directions: .randomDirections(width, width: width, seed: seed), sample: sample,
                isControl: true))
        if let dictionary {
            sets.append(
                UnitSet("latents, shuffled weights", dictionary.shufflingWeights(seed: seed), isControl: true))
            sets.append(
                UnitSet("latents, random directions", dictionary.withRandomDirections(seed: seed), isControl: true))
            sets.append(sets[1].withPermutedLabels)
        }
        return sets + [neurons.withPermutedLabels]
    }
}

/// The text around a position, for reports.
public struct ContextTexts: Sendable {
    private let contexts: [TokenContext]
    private let tokenizer: Tokenizer

    init(_ contexts: [TokenContext], _ tokenizer: Tokenizer) {
        self.contexts = contexts
        self.tokenizer = tokenizer
    }

    /// The token at a position with up to `reach` tokens before it and half as many after it.
    public func excerpt(_ example: UnitExample, reach: Int = 16) -> TextExcerpt {
        let (tokens, place) = (contexts[example.context].tokens, example.position)
        let first = tokens[0] == tokenizer.bosID ? 1 : 0
        func text(_ range: Range<Int>) -> String { tokenizer.decode(Array(tokens[range])) }
        return TextExcerpt(
            before: text(max(first, place - reach)..<place), token: tokenizer.text(of: tokens[place]),
            after: text(place + 1..<min(tokens.count, place + 1 + reach / 2)))
    }
}
