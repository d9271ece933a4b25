import Foundation
import PrismAtlas
import PrismCore
import PrismModels

/// A prompt's graph with all that is said of it.
public struct TracedPrompt: Sendable {
    /// What is known of a feature.
    public struct Page: Sendable {
        let transcoder: String
        let latent: LatentPage

        public init(transcoder: String, latent: LatentPage) {
            (self.transcoder, self.latent) = (transcoder, latent)
        }
    }

    public let prompt: String
    public let pruned: PrunedGraph
    public let verification: EdgeVerification
    private let pages: [Int: Page]
    private let nodeThreshold: Double
    private let tokenizer: Tokenizer

    /// - pages: by node.
    public init(
        prompt: String, pruned: PrunedGraph, verification: EdgeVerification, pages: [Int: Page], nodeThreshold: Double,
        tokenizer: Tokenizer
    ) {
        (self.prompt, self.pruned, self.verification) = (prompt, pruned, verification)
        (self.pages, self.nodeThreshold, self.tokenizer) = (pages, nodeThreshold, tokenizer)
    }

    /// The folder that the front end looks for features in, where it is served with the graphs.
    private static let scan = "./data/features"

    /// The prompt's first words, for a file's name.
    var slug: String {
        let words = prompt.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        return words.isEmpty ? "prompt" : words.prefix(8).joined(separator: "-")
    }

    func file(slug: String) -> GraphFile {
        GraphFile(
            pruned,
            metadata: .init(
                slug: slug, scan: Self.scan, transcoderList: [],
                promptTokens: pruned.graph.tokens.map(tokenizer.text(of:)), prompt: prompt, nodeThreshold: nodeThreshold
            ),
            labels: pages.mapValues { $0.latent.label(tokenizer) }, tokenizer: tokenizer)
    }

    /// A feature's file for each latent in the graph, by its name.
    func featureFiles() -> [(name: String, file: FeatureFile)] {
        pruned.nodes.compactMap { node in
            guard case .feature(let layer, let latent, _) = pruned.graph.node(node), let page = pages[node] else {
                return nil
            }
            return (
                "\(GraphFile.featureNumber(layer: layer, latent: latent)).json",
                FeatureFile(page.latent, transcoder: page.transcoder, tokenizer: tokenizer)
            )
        }
    }

    /// A node in words, for a table.
    func name(_ node: Int) -> String {
        let graph = pruned.graph
        func token(_ position: Int) -> String { "“\(tokenizer.text(of: graph.tokens[position]))”" }
        switch graph.node(node) {
        case .feature(let layer, let latent, let position):
            let label = pages[node].map { " " + $0.latent.label(tokenizer) } ?? ""
            return "\(layer)/\(latent) at \(token(position))\(label)"
        case .error(let layer, let position): return "error of layer \(layer) at \(token(position))"
        case .token(_, let position): return "token \(token(position))"
        case .logit(let id): return "output “\(tokenizer.text(of: id))”"
        }
    }
}
