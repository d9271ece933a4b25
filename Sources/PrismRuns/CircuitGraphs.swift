import Foundation
import PrismAtlas
import PrismCausal
import PrismCore
import PrismDictionaries
import PrismTensor

/// Attribution graphs of prompts, made of the transcoders of runs of one model.
public struct CircuitGraphs {
    public struct Options: Codable, Hashable, Sendable {
        /// The most features in a graph before it is pruned.
        public var maxFeatures = 7500
        /// Share of the influence on the logits that the nodes, and then the edges between them, are kept for.
        public var nodeThreshold = 0.8
        public var edgeThreshold = 0.98
        /// Edges that are verified by an intervention, those of largest influence.
        public var verified = 100

        public init() {}

        /// - Throws: `PrismError.usage` that names the option.
        func validate() throws {
            guard maxFeatures > 0, verified >= 0 else {
                throw PrismError.usage(
                    "features must be positive and edges to verify not negative, not \(maxFeatures) and \(verified)")
            }
            guard (0...1).contains(nodeThreshold), (0...1).contains(edgeThreshold) else {
                throw PrismError.usage(
                    "the thresholds of nodes and edges lie between 0 and 1, not at \(nodeThreshold) and \(edgeThreshold)"
                )
            }
        }
    }

    private let options: Options
    private let subject: CausalSubject
    private let transcoders: [LayerTranscoder]
    /// What is known of features, by layer: nothing of a transcoder that is no run's.
    private let atlases: [Int: (transcoder: String, atlas: Atlas)]
    private let workers: Workers

    /// - names: transcoders of one model, as `CausalSubject` takes them; or a model and a cross-layer transcoder's folder.
    /// - Throws: `PrismError` as it does, and for what is no transcoder.
    public init(_ names: [String], _ options: Options, workers: Workers) throws {
        try options.validate()
        (self.options, self.workers) = (options, workers)
        let crossing = names.dropFirst().first { CrossLayerFiles.exist(in: URL(filePath: $0)) }
        if let crossing {
            guard names.count == 2 else {
                throw PrismError.usage("\(crossing) writes to all layers; name it alone behind the model")
            }
            subject = try CausalSubject([names[0]])
            transcoders = try LayerTranscoder.layers(
                of: CrossLayerTranscoder(loading: URL(filePath: crossing)), name: crossing)
            atlases = [:]
            return
        }
        subject = try CausalSubject(names)
        transcoders = try subject.dictionaries.map(LayerTranscoder.init)
        atlases = try zip(transcoders, subject.members).reduce(into: [:]) { found, next in
            let (transcoder, member) = next
            found[transcoder.layer] = try member.map { (transcoder.name, try Atlas($0.atlas)) }
        }
    }

    /// Traces a prompt.
    /// - Throws: `PrismError` for a prompt that the model cannot read, and when interrupted.
    public func trace(_ prompt: String) throws -> TracedPrompt {
        let (tokens, tokenizer) = (try subject.tokens(of: prompt), subject.tokenizer)
        let special = [tokenizer.bosID, tokenizer.eosID]
        let replacement = try LocalReplacement(
            subject.model, transcoders, tokens: tokens,
            positions: (1..<tokens.count).filter { !special.contains(tokens[$0]) }, workers: workers)
        let graph = try AttributionGraph(replacement, featureLimit: options.maxFeatures, workers: workers)
        let pruned = PrunedGraph(graph, nodeThreshold: options.nodeThreshold, edgeThreshold: options.edgeThreshold)
        let verification = try EdgeVerification(
            of: graph.strongestEdges(options.verified), in: graph, replacement, workers: workers)
        let named = pruned.nodes + verification.edges.flatMap { [$0.source, $0.target] }
        return TracedPrompt(
            prompt: prompt, pruned: pruned, verification: verification, pages: try pages(named, graph),
            nodeThreshold: options.nodeThreshold, tokenizer: tokenizer)
    }

    /// What atlases know of features, by node.
    private func pages(_ nodes: [Int], _ graph: AttributionGraph) throws -> [Int: TracedPrompt.Page] {
        var pages: [Int: TracedPrompt.Page] = [:]
        for node in nodes where pages[node] == nil {
            guard case .feature(let layer, let latent, _) = graph.node(node), let (transcoder, atlas) = atlases[layer]
            else { continue }
            pages[node] = .init(transcoder: transcoder, latent: try atlas.latent(latent))
        }
        return pages
    }
}
