import Foundation
import PrismActivations
import PrismAtlas
import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismModels
import PrismTensor

/// Gathers what makes each latent active, and writes an atlas and a report for each dictionary. One pass of the model over
/// the text serves all dictionaries.
struct Explanation {
    private let discovery: Discovery
    private let members: [Run.Member]
    private let dictionaries: [SparseDictionary]
    private let evaluations: [Evaluation]
    private let builders: [AtlasBuilder]

    init(
        _ discovery: Discovery, _ members: [Run.Member], _ dictionaries: [SparseDictionary], _ evaluations: [Evaluation]
    ) throws {
        self.discovery = discovery
        self.members = members
        self.dictionaries = dictionaries
        self.evaluations = evaluations
        let seed = discovery.configuration.contexts.seed
        builders = try zip(members, dictionaries).map {
            try AtlasBuilder($0.atlas, latentCount: $1.latentCount, seed: seed)
        }
    }

    func write() throws {
        switch discovery.input {
        case .model(let model, let tokenizer, let corpus, let contexts):
            for (index, document) in corpus.documents.enumerated() {
                try builders.forEach { try $0.add(document: index, title: document.name, source: document.source) }
            }
            try gather(model, contexts.heldOut + contexts.even)
            let vocabulary = (0..<Int32(model.configuration.vocabularySize)).map(tokenizer.bytes(of:))
            for place in members.indices {
                try finish(place, directions(place, model), corpus: corpus, vocabulary: vocabulary)
            }
        case .matrix(let matrix, _, let even, let heldOut): try write(matrix, groups: heldOut + even)
        case .synthetic(_, let matrix, let heldOut): try write(matrix, groups: heldOut)
        }
    }

    private func write(_ matrix: Tensor, groups: [[Int]]) throws {
        try gather(matrix, groups: groups.without(discovery.sinks, in: matrix))
        for place in members.indices {
            try finish(place, directions(place, nil), corpus: nil, vocabulary: [Data("·".utf8)])
        }
    }

    // MARK: Examples

    /// Encodes contexts, held-out ones first, until the atlases have the vectors they want.
    private func gather(_ model: Transformer, _ contexts: [TokenContext]) throws {
        let (configuration, workers) = (discovery.configuration, discovery.workers)
        let available = contexts.reduce(0) { $0 + $1.positions.count }
        let wanted = min(configuration.atlasTokens, available)
        let progress = Progress("gathering examples", total: wanted, unit: "tokens")
        var gathered = 0
        for start in stride(from: 0, to: contexts.count, by: 64) where gathered < wanted {
            try Interrupt.check()
            let chunk = Array(contexts[start..<min(start + 64, contexts.count)])
            let captured = try model.run(
                ForwardRequest(contexts: chunk.map(\.tokens), capture: configuration.hooks), workers: workers)
            let used = chunk.indices.map { captured.used(of: chunk[$0], $0, configuration.hooks, discovery.sinks) }
            let rows = used.flatMap(\.1)
            for place in members.indices {
                let x = captured.joined(members[place].configuration.reads, rows)
                let codes = dictionaries[place].encode(x, workers: workers)
                var row = 0
                for (context, kept) in used {
                    try builders[place].add(
                        tokens: context.tokens, document: context.document, positions: context.positions.map(Int.init),
                        codes: codes.rows(row..<row + kept.count))
                    row += kept.count
                }
            }
            gathered += rows.count
            progress.advance(by: rows.count)
        }
        progress.finish()
    }

    /// Without a model a group of rows takes the place of a context, and a dot that of each token.
    private func gather(_ matrix: Tensor, groups: [[Int]]) throws {
        let configuration = discovery.configuration
        let wanted = min(configuration.atlasTokens, groups.reduce(0) { $0 + $1.count })
        let progress = Progress("gathering examples", total: wanted, unit: "vectors")
        let source = configuration.sourceName
        var gathered = 0
        for (index, group) in groups.enumerated() where gathered < wanted && !group.isEmpty {
            try Interrupt.check()
            for place in members.indices {
                try builders[place].add(
                    document: index, title: "rows \(group[0])–\(group[group.count - 1])", source: source)
                for start in stride(from: 0, to: group.count, by: 128) {
                    let rows = Array(group[start..<min(start + 128, group.count)])
                    try builders[place].add(
                        tokens: rows.map { _ in 0 }, document: index, positions: Array(rows.indices),
                        codes: dictionaries[place].encode(matrix.gathered(rows), workers: discovery.workers))
                }
            }
            gathered += group.count
            progress.advance(by: group.count)
        }
        progress.finish()
    }

    // MARK: Directions

    /// What the decoder's rows mean: for a crosscoder those of its last hook point.
    private func directions(_ place: Int, _ model: Transformer?) -> LatentDirections {
        let (dictionary, workers) = (dictionaries[place], discovery.workers)
        var directions = LatentDirections(
            decoder: dictionary.decoder, encoderBiases: dictionary.encoderBias.values, unembedding: nil,
            finalNormWeight: nil, workers: workers)
        guard let model, let hook = members[place].configuration.writes.last else { return directions }
        let width = model.configuration.width(at: hook)
        let rows = dictionary.decoder.columns([dictionary.outputWidth - width..<dictionary.outputWidth])
        if let residual = model.residualRows(of: rows, at: hook) {
            // What is read behind the final norm has its weight already.
            let weight = hook == .finalNorm ? nil : model.finalNormWeight.values
            directions.logitEffects = logitEffects(
                decoder: residual, unembedding: model.unembeddingMatrix(workers: workers), finalNormWeight: weight,
                count: 10, workers: workers)
        }
        return directions
    }

    // MARK: Report

    private func finish(_ place: Int, _ directions: LatentDirections, corpus: Corpus?, vocabulary: [Data]) throws {
        let atlas = try builders[place].finish(
            run: try summary(place, corpus: corpus), directions: directions, vocabulary: vocabulary)
        try Report.write(atlas: atlas, run: try atlas.run(), to: members[place].report)
    }

    private func summary(_ place: Int, corpus: Corpus?) throws -> RunSummary {
        let (configuration, member, evaluation) = (discovery.configuration, members[place], evaluations[place])
        let training = member.configuration.training
        let lines = member.configuration.baseline == nil ? try MetricsLog<DictionaryLine>.read(member.metrics) : []
        func curve(_ value: (DictionaryLine) -> Double) -> [RunSummary.CurvePoint] {
            lines.map { .init(step: $0.step, value: value($0)) }
        }
        let share = Int((configuration.contexts.heldOutShare * 100).rounded())
        let split =
            switch discovery.input {
            case .model: "\(share)% of the documents"
            case .matrix: "\(share)% of the groups of rows"
            case .synthetic: "other draws of the same features"
            }
        let oversampled = (discovery.input.oversampling ?? []).map {
            let shares = [$0.textShare, $0.trainingShare].map { String(format: "%.3g%%", 100 * $0) }
            return "\($0.pattern) × \($0.weight.formatted()): \(shares[0]) of the text, \(shares[1]) of training"
        }
        return RunSummary(
            title: member.folder.lastPathComponent, model: configuration.sourceName,
            hook: configuration.model == nil ? "" : member.configuration.place,
            dictionary: .init(
                architecture: member.configuration.label, latents: training.latents, width: dictionaries[place].width,
                k: dictionaries[place].activation.k,
                notes: (member.configuration.baseline == nil ? training.notes : ["fitted, not trained"]) + oversampled),
            data: .init(
                sources: corpus.map { Array(Set($0.documents.map(\.source))).sorted() } ?? [],
                trainingTokens: min(configuration.tokens, discovery.source.vectorCount),
                heldOutTokens: evaluation.tokens, heldOutContexts: evaluation.contexts,
                split: split,
                leftOut: corpus == nil
                    ? "attention sinks" : "the first position of each context, special tokens and attention sinks"),
            metrics: evaluation.metrics.filter(\.value.value.isFinite).mapValues {
                // Of a single context there is no interval.
                .init(
                    value: $0.value, low: $0.low.isFinite ? $0.low : nil, high: $0.high.isFinite ? $0.high : nil)
            },
            curves: [
                "fvu": curve(\.fvu), "l0": curve(\.l0), "dead_fraction": curve(\.dead_fraction),
                "learning_rate": curve(\.learning_rate),
            ])
    }
}

extension TrainingConfiguration {
    /// What is worth a line in a report beside architecture, latents and k.
    fileprivate var notes: [String] {
        var notes = ["\(steps) steps of \(batch) vectors"]
        if !selectsByCount {
            notes.insert(targetL0.map { "L0 target \($0)" } ?? "sparsity \(sparsityWeight)", at: 0)
        }
        switch wakes {
        case .auxK: notes.insert("AuxK", at: 0)
        case .resample: notes.insert("resampling", at: 0)
        case .preactivation: notes.insert("pre-activation loss", at: 0)
        case .leave: break
        }
        return notes + ["selection in \(precision.rawValue)"]
    }
}
