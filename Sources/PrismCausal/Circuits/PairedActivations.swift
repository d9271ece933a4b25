import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

/// What some places of a model hold on pairs of prompts, taken apart by their dictionaries: x = Σᵢ zᵢ dᵢ + b + ε.
package struct PairedActivations: Sendable {
    package let model: Transformer
    package let pairs: [PromptPair]
    /// In the order of the pass.
    package let places: [PlacedDictionary]
    /// m of each clean prompt, and of each corrupt one.
    package let values, corruptValues: [Double]
    let workers: Workers
    private let logOdds: LogOdds
    /// Of each place.
    let clean, corrupt: [Parts]
    /// The clean residual stream from which each place still lies ahead.
    let starts: [ForwardRequest.Start]
    /// Each pair's first row, all prompts one after the other.
    let firstRows: [Int]

    /// A place's activations, [tokens of all prompts, width].
    struct Parts: Sendable {
        let x: Tensor
        let codes: SparseCodes
        /// ε
        let error: Tensor

        init(_ x: Tensor, _ place: PlacedDictionary, _ workers: Workers) {
            self.x = x
            codes = place.encode(x, workers: workers)
            let reconstruction = Tensor(shape: x.shape)
            place.dictionary.decode(codes, of: x, into: reconstruction, workers: workers)
            error = x.minus(reconstruction)
        }
    }

    /// - places: autoencoders of different hook points.
    /// - Throws: `PrismError.usage` for a transcoder, a dictionary whose latents do not write decoder rows alone, two of one
    ///   hook point, one of another width, and no pairs.
    package init(_ model: Transformer, _ pairs: [PromptPair], places: [PlacedDictionary], workers: Workers) throws {
        for place in places {
            let width = model.configuration.width(at: place.reads)
            guard place.isAutoencoder else {
                throw PrismError.usage(
                    "\(place.name) is a transcoder; a sparse feature circuit is made of autoencoders, of transcoders `prism circuit graph`"
                )
            }
            guard place.dictionary.skip == nil else {
                throw PrismError.usage(
                    "\(place.name) skips its latents; the nodes of a circuit write decoder rows and nothing else")
            }
            guard place.dictionary.width == width else {
                throw PrismError.usage(
                    "\(place.name) is of vectors of \(place.dictionary.width) numbers; the model has \(width) at \(place.reads)"
                )
            }
        }
        guard Set(places.map(\.reads)).count == places.count, !places.isEmpty, !pairs.isEmpty else {
            throw PrismError.usage("a circuit needs pairs of prompts and dictionaries of different hook points")
        }
        self.model = model
        self.pairs = pairs
        self.workers = workers
        let depth = model.configuration.layerCount
        let ordered = places.sorted { $0.reads.order(layerCount: depth) < $1.reads.order(layerCount: depth) }
        self.places = ordered
        firstRows = pairs.reduce(into: [0]) { $0.append($0.last! + $1.clean.count) }
        let hooks = ordered.map(\.reads)
        let starts = hooks.map { model.start(before: [$0]) }
        func found(_ contexts: [[Int32]]) throws -> CapturedActivations {
            let capture = Set(hooks + starts + [.finalNorm]).sorted { $0.name < $1.name }
            return try model.run(ForwardRequest(contexts: contexts, capture: capture), workers: workers)
        }
        let runs = (clean: try found(pairs.map(\.clean)), corrupt: try found(pairs.map(\.corrupt)))
        func parts(_ run: CapturedActivations) -> [Parts] { ordered.map { Parts(run[$0.reads], $0, workers) } }
        (clean, corrupt) = (parts(runs.clean), parts(runs.corrupt))
        self.starts = starts.map { .init(at: $0, runs.clean[$0]) }
        let logOdds = LogOdds(pairs, model, workers: workers)
        self.logOdds = logOdds
        (values, corruptValues) = (logOdds.values(runs.clean), logOdds.values(runs.corrupt))
    }

    /// A row of the captured tensors that a circuit is about: from where a pair's prompts begin to differ. Before it both are
    /// the same, and attention sinks stand there.
    struct Row {
        let pair, index: Int
        /// The position's name.
        let position: String
        let isLast: Bool
    }

    func rows(ofPair pair: Int) -> [Row] {
        let prompt = pairs[pair]
        return (prompt.firstDifference..<prompt.clean.count).map { position in
            Row(
                pair: pair, index: firstRows[pair] + position, position: prompt.name(ofPosition: position),
                isLast: position == prompt.clean.count - 1)
        }
    }

    /// Puts rows of all prompts, [tokens, width], in a place's; the way back ends there.
    func replacing(_ place: Int, by rows: Tensor) -> Intervention {
        Intervention(at: places[place].reads, stopsGradient: true) { [firstRows] activation, contexts in
            for context in contexts {
                activation[context.rows.lowerBound].update(
                    from: rows[firstRows[context.index]], count: context.rows.count * activation.rowWidth)
            }
        }
    }

    /// The clean pass from a place on, where the place holds x + share · (x_corrupt − x).
    func pass(from place: Int, share: Float, capture: [HookPoint] = [], stops: [HookPoint] = []) -> ForwardRequest {
        let (from, to) = (clean[place].x, corrupt[place].x)
        let mixed = from.copy()
        for i in 0..<mixed.count { mixed.data[i] += share * (to.data[i] - from.data[i]) }
        let replacement = replacing(place, by: mixed)
        let walls = stops.map { Intervention(at: $0, stopsGradient: true) }
        return ForwardRequest(
            contexts: pairs.map(\.clean), capture: capture, interventions: [replacement] + walls, start: starts[place])
    }
}

extension PairedActivations {
    /// m of each pair after a pass over the clean prompts.
    func values(_ pass: ForwardRequest) throws -> [Double] {
        var pass = pass
        pass.capture = [.finalNorm]
        return logOdds.values(try model.run(pass, workers: workers))
    }
}
