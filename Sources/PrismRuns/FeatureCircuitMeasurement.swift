import Foundation
import PrismCausal
import PrismCore
import PrismMetrics
import PrismModels
import PrismTensor

/// Finds the sparse feature circuit behind an answer, and sets the circuit of neurons beside it.
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
    /// - Throws: `PrismError` if something cannot be opened or does not fit together.
    public func report(of names: [String], on prompts: PromptSource) throws -> CircuitReport {
        let subject = try CausalSubject(names)
        let (model, latents) = (subject.model, subject.dictionaries)
        guard !latents.isEmpty else {
            throw PrismError.usage("a feature circuit needs dictionaries; name runs, not a model alone")
        }
        let pairs = try prompts.pairs(subject.tokenizer)
        let axes = latents.map {
            PlacedDictionary.axes(at: $0.reads, width: model.configuration.width(at: $0.reads), sinks: $0.sinks)
        }
        let hasSteps = 2 * latents.count * options.steps
        let progress = Progress("taking effects", total: hasSteps, unit: "passes")
        let found = try [("latents", latents), ("neurons", axes)].map { name, places in
            let activations = try PairedActivations(model, pairs, places: places, workers: workers)
            return Found(
                name: name, activations: activations,
                effects: try NodeEffects(activations, steps: options.steps, progress: progress))
        }
        progress.finish()
        let edges = try self.edges(of: found[0])
        let bases = try found.enumerated().map { try basis($1, edges: $0 == 0 ? edges : nil) }
        let own = found[0].activations
        return CircuitReport(
            .init(
                model: names.map { URL(filePath: $0).lastPathComponent }.joined(separator: ", "), task: prompts.name,
                pairs: pairs.count, clean: mean(own.values), corrupt: mean(own.corruptValues),
                places: own.places.map(\.reads.name), bases: bases, edges: edges.edges, nodes: options.nodes))
    }

    private struct Found {
        let name: String
        let activations: PairedActivations
        let effects: NodeEffects
    }

    private func edges(of found: Found) throws -> CircuitEdges {
        let circuit = found.effects.nodes.prefix(options.nodes)
        let progress = Progress("taking edges", total: options.steps * circuit.count, unit: "passes")
        defer { progress.finish() }
        return try CircuitEdges(
            among: circuit, found.activations, found.effects, steps: options.steps, progress: progress)
    }

    private func basis(_ found: Found, edges: CircuitEdges?) throws -> CircuitReport.Basis {
        let sizes = [options.nodes, 4 * options.nodes, 16 * options.nodes]
        let counts = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, Int.max]
        let progress = Progress(
            "taking \(found.name) away", total: 4 * (counts.count + 1) + 9 * sizes.count, unit: "passes")
        defer { progress.finish() }
        let curves = try [NodeAblation.resample, .mean].map { ablation in
            try CircuitCurve(
                found.name, AblatedPass(found.activations, ablation), found.effects, counts: counts,
                progress: progress)
        }
        let verdicts = try CircuitTrial(found.activations, found.effects).verdicts(
            sizes: sizes, edges: edges, progress: progress)
        let nodes = zip(found.effects.nodes, found.effects.effects).prefix(options.nodes).map { node, effects in
            CircuitReport.Node(node: node, effect: Estimate(meanOf: effects))
        }
        return .init(name: found.name, nodes: nodes, curves: curves, verdicts: verdicts)
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
}
