import Foundation
import PrismCore
import PrismModels

/// A pruned graph as circuit-tracer's and Neuronpedia's front ends read it: `{slug}.json`.
public struct GraphFile: Codable, Hashable, Sendable {
    public struct Metadata: Codable, Hashable, Sendable {
        /// The file's name and the graph's address.
        public var slug: String
        /// Which transcoders; for a front end that is served with the graphs, the folder where it finds their features.
        public var scan: String
        public var transcoderList: [String]
        public var promptTokens: [String]
        public var prompt: String
        public var nodeThreshold: Double
        public var schemaVersion = 1

        enum CodingKeys: String, CodingKey {
            case slug, scan, prompt
            case transcoderList = "transcoder_list"
            case promptTokens = "prompt_tokens"
            case nodeThreshold = "node_threshold"
            case schemaVersion = "schema_version"
        }
    }

    /// How the page stands when it opens.
    public struct QueryParameters: Codable, Hashable, Sendable {
        public var pinnedIds: [String] = []
        public var supernodes: [[String]] = []
        public var linkType = "both"
        public var clickedId = ""
        public var position = ""

        enum CodingKeys: String, CodingKey {
            case pinnedIds, supernodes, linkType, clickedId
            case position = "sg_pos"
        }
    }

    public struct Node: Codable, Hashable, Sendable {
        public enum Kind: String, Codable, Sendable {
            /// Of a transcoder of one layer too.
            case feature = "cross layer transcoder"
            case error = "mlp reconstruction error"
            case token = "embedding"
            case logit
        }

        public var id: String
        /// Of a feature a number for its layer and latent; of a token its position; of a logit its token; of an error −1.
        public var feature: Int
        public var layer: String
        /// The position.
        public var contextIndex: Int
        public var kind: Kind
        public var probability = 0.0
        public var isTargetLogit = false
        public var runIndex = 0
        public var reverseContextIndex = 0
        /// What is the same in other prompts.
        public var pageID: String
        /// What people call it.
        public var label = ""
        /// Share of the influence of this node and all that have more.
        public var influence: Double?
        public var activation: Double?

        enum CodingKeys: String, CodingKey {
            case feature, layer, influence, activation
            case id = "node_id"
            case contextIndex = "ctx_idx"
            case kind = "feature_type"
            case probability = "token_prob"
            case isTargetLogit = "is_target_logit"
            case runIndex = "run_idx"
            case reverseContextIndex = "reverse_ctx_idx"
            case pageID = "jsNodeId"
            case label = "clerp"
        }
    }

    public struct Link: Codable, Hashable, Sendable {
        public var source, target: String
        public var weight: Double
    }

    public var metadata: Metadata
    public var qParams = QueryParameters()
    public var nodes: [Node]
    public var links: [Link]

    /// `graph-metadata.json`: what the front end offers to open.
    public struct Index: Codable, Hashable, Sendable {
        public var graphs: [Metadata]
    }
}

extension GraphFile {
    /// - labels: what people call features, by node.
    public init(_ pruned: PrunedGraph, metadata: Metadata, labels: [Int: String], tokenizer: Tokenizer) {
        let graph = pruned.graph
        let features = Set(
            pruned.nodes.prefix { $0 < graph.features.count }.map { Self.id(of: graph.node($0), in: graph) })
        // A feature of layer 0 can have the id that the format gives an error: the error then takes another.
        let ids = Dictionary(
            uniqueKeysWithValues: pruned.nodes.map { number in
                let (node, id) = (graph.node(number), Self.id(of: graph.node(number), in: graph))
                if case .error = node, features.contains(id) { return (number, id + "_error") }
                return (number, id)
            })
        self.metadata = metadata
        nodes = pruned.nodes.map { number in
            var node = Self.node(graph.node(number), id: ids[number]!, in: graph, tokenizer)
            if let label = labels[number] { node.label = label }
            if number < graph.sourceCount { node.influence = pruned.cumulativeInfluence[number] }
            if number < graph.features.count { node.activation = Double(graph.features[number].activation) }
            return node
        }
        links = pruned.edges.map {
            Link(source: ids[$0.source]!, target: ids[$0.target]!, weight: Double($0.weight))
        }
    }

    /// The number that the front end finds a feature's examples by: Cantor's of a pair.
    public static func featureNumber(layer: Int, latent: Int) -> Int {
        (layer + latent) * (layer + latent + 1) / 2 + latent
    }

    private static func id(of node: AttributionGraph.Node, in graph: AttributionGraph) -> String {
        switch node {
        case .feature(let layer, let latent, let position): "\(layer)_\(latent)_\(position)"
        case .error(let layer, let position): "0_\(layer)_\(position)"
        case .token(let token, let position): "E_\(token)_\(position)"
        case .logit(let token): "\(graph.layerCount + 1)_\(token)_\(graph.tokens.count - 1)"
        }
    }

    private static func node(
        _ node: AttributionGraph.Node, id: String, in graph: AttributionGraph, _ tokenizer: Tokenizer
    ) -> Node {
        switch node {
        case .feature(let layer, let latent, let position):
            return Node(
                id: id, feature: featureNumber(layer: layer, latent: latent), layer: "\(layer)",
                contextIndex: position, kind: .feature, pageID: "\(layer)_\(latent)-0")
        case .error(let layer, let position):
            return Node(
                id: id, feature: -1, layer: "\(layer)", contextIndex: position, kind: .error,
                pageID: "\(layer)_\(position)-0")
        case .token(let token, let position):
            return Node(
                id: id, feature: position, layer: "E", contextIndex: position, kind: .token,
                pageID: "E_\(token)-\(position)")
        case .logit(let token):
            let (position, place) = (graph.tokens.count - 1, graph.logits.firstIndex { $0.token == token }!)
            let probability = graph.logits[place].probability
            return Node(
                id: id, feature: Int(token), layer: "\(graph.layerCount + 1)", contextIndex: position, kind: .logit,
                probability: probability, isTargetLogit: place == 0, pageID: "L_\(token)-\(position)",
                label: "Output \"\(tokenizer.text(of: token))\" (p=\(String(format: "%.3f", probability)))")
        }
    }
}
