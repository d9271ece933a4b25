import PrismCausal
import PrismCore
import PrismMetrics
import PrismModels
import PrismTensor

/// Finds the sparse feature circuit behind an answer, and sets the circuit of neurons beside it.
///
/// Every other pair finds the circuits and those between judge them: a circuit is of the nodes that did best, so on its own
/// pairs it looks better than it is.
public struct FeatureCircuitMeasurement {
    public struct Options: Sendable {
        /// Nodes of the circuit that is listed, has edges, and is put to the protocols; also tried are 4 and 16 times as many.
        public var nodes = 32
        /// Steps of the integrated gradients.
        public var steps = 10

        public init() {}
    }

    private let options: Options
    private let workers: Workers

    public init(_ options: Options, workers: Workers) { (self.options, self.workers) = (options, workers) }

    /// - names: runs of one model, whose autoencoders are the places.
    /// - Throws: `PrismError` if something cannot be opened or does not fit together, and for a single pair.
    public func report(of names: [String], on prompts: PromptSource) throws -> CircuitReport {
        let subject = try CausalSubject(names)
        let (model, latents) = (subject.model, subject.dictionaries)
        guard !latents.isEmpty else {
            throw PrismError.usage("a feature circuit needs dictionaries; name runs, not a model alone")
        }
        let pairs = try prompts.pairs(subject.tokenizer)
        guard pairs.count > 1 else {
            throw PrismError.usage("one half of the pairs finds a circuit and the other judges it; give 2 at least")
        }
        let halves = (0...1).map { half in pairs.indices.filter { $0 % 2 == half }.map { pairs[$0] } }
        func activations(_ places: [PlacedDictionary]) throws -> [PairedActivations] {
            try halves.map { try PairedActivations(model, $0, places: places, workers: workers) }
        }
        let axes = latents.map {
            PlacedDictionary.axes(at: $0.reads, width: model.configuration.width(at: $0.reads), sinks: $0.sinks)
        }
        let own = try activations(latents)
        let bootstrap = Bootstrap(contexts: halves[1].count)
        return CircuitReport(
            model: CausalSubject.title(names), task: prompts.name, findingPairs: halves[0].count,
            judgingPairs: halves[1].count, clean: bootstrap.mean(of: own[1].values),
            corrupt: bootstrap.mean(of: own[1].corruptValues), places: own[1].places.map(\.reads.name),
            bases: [
                try basis("latents", own, hasEdges: true),
                try basis("neurons", try activations(axes), hasEdges: false),
            ])
    }

    private func basis(_ name: String, _ halves: [PairedActivations], hasEdges: Bool) throws -> CircuitReport.Basis {
        let (finding, judging) = (halves[0], halves[1])
        let effects = try halves.map { try self.effects(name, $0) }
        let circuit = effects[0].nodes.prefix(options.nodes)
        let edges = hasEdges ? try self.edges(among: circuit, finding, effects[0]) : nil

        let sizes = [options.nodes, 4 * options.nodes, 16 * options.nodes]
        let counts = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, Int.max]
        let progress = Progress(
            "taking \(name) away", total: 4 * (counts.count + 1) + 9 * sizes.count + (hasEdges ? 3 : 0), unit: "passes")
        defer { progress.finish() }
        let curves = try [NodeAblation.resample, .mean].map { ablation in
            try CircuitCurve(name, AblatedPass(judging, ablation), effects[0], counts: counts, progress: progress)
        }
        let trial = CircuitTrial(judging, all: effects[0], each: effects[0].byPosition(finding))
        let verdicts = try trial.verdicts(sizes: sizes, edges: edges, progress: progress)
        let judged = Dictionary(uniqueKeysWithValues: zip(effects[1].nodes, effects[1].effects))
        let bootstrap = Bootstrap(contexts: judging.pairs.count)
        let nodes = circuit.map { node in
            // What differs in none of the pairs that judge does nothing there.
            CircuitReport.Node(node: node, effect: bootstrap.mean(of: judged[node] ?? judging.values.map { _ in 0 }))
        }
        return .init(name: name, nodes: nodes, edges: edges?.edges, curves: curves, verdicts: verdicts)
    }

    private func effects(_ name: String, _ activations: PairedActivations) throws -> NodeEffects {
        let progress = Progress(
            "taking effects of \(name)", total: activations.places.count * options.steps, unit: "passes")
        defer { progress.finish() }
        return try NodeEffects(activations, steps: options.steps, progress: progress)
    }

    private func edges(
        among circuit: ArraySlice<CircuitNode>, _ activations: PairedActivations, _ effects: NodeEffects
    ) throws -> CircuitEdges {
        let progress = Progress("taking edges", total: options.steps * circuit.count, unit: "passes")
        defer { progress.finish() }
        return try CircuitEdges(among: circuit, activations, effects, steps: options.steps, progress: progress)
    }
}
