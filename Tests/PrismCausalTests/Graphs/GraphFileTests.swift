import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismCausal

@Suite struct GraphFileTests {
    private func tokenizer() throws -> Tokenizer {
        let url = EmbeddedModel.url(EmbeddedModel.name)
        return try Transformer(loading: url, backend: CPUBackend()).tokenizer(loading: url)
    }

    private func file(_ graph: AttributionGraph) throws -> GraphFile {
        GraphFile(
            PrunedGraph(graph, nodeThreshold: 1, edgeThreshold: 1),
            metadata: .init(
                slug: "a", scan: "./data/features", transcoderList: [], promptTokens: ["x", "\n“"], prompt: "x\n“",
                nodeThreshold: 0.8),
            labels: [0: "first"], tokenizer: try tokenizer())
    }

    /// The keys that circuit-tracer 0.5.0's `Model` has, and the numbers of its constructors.
    @Test func theKeysAreCircuitTracers() throws {
        let file = try file(PrunedGraphTests.graph(seed: 1))
        let json = try JSONValue(FileBytes(JSONEncoder.prism.encode(file), name: "graph"))
        func keys(_ value: JSONValue?) -> [String] { value?.object?.map(\.key) ?? [] }
        #expect(keys(json) == ["links", "metadata", "nodes", "qParams"])
        #expect(
            keys(json["metadata"]) == [
                "node_threshold", "prompt", "prompt_tokens", "scan", "schema_version", "slug", "transcoder_list",
            ])
        #expect(keys(json["qParams"]) == ["clickedId", "linkType", "pinnedIds", "sg_pos", "supernodes"])
        #expect(
            keys(json["nodes"]?.array?.first) == [
                "activation", "clerp", "ctx_idx", "feature", "feature_type", "influence", "is_target_logit", "jsNodeId",
                "layer", "node_id", "reverse_ctx_idx", "run_idx", "token_prob",
            ])
        let logit = try #require(file.nodes.first { $0.kind == .logit })
        #expect(logit.id == "5_0_1" && logit.pageID == "L_0-1" && logit.isTargetLogit && logit.layer == "5")
        #expect(logit.label.hasSuffix("(p=0.500)"))
        let token = try #require(file.nodes.first { $0.kind == .token })
        #expect(token.id == "E_1_0" && token.layer == "E" && token.pageID == "E_1-0")
        let feature = try #require(file.nodes.first { $0.id == "0_0_0" })
        #expect(feature.label == "first" && feature.activation == 1 && feature.pageID == "0_0-0")
        // Cantor's pairing of layer 2 and latent 20: 22 · 23 / 2 + 20.
        #expect(GraphFile.featureNumber(layer: 2, latent: 20) == 273)
    }

    @Test func whatIsWrittenIsReadBack() throws {
        let file = try file(PrunedGraphTests.graph(seed: 2))
        #expect(try JSONDecoder().decode(GraphFile.self, from: JSONEncoder.prism.encode(file)) == file)
        let index = GraphFile.Index(graphs: [file.metadata])
        #expect(try JSONDecoder().decode(GraphFile.Index.self, from: JSONEncoder.prism.encode(index)) == index)
    }

    /// The format calls latent 1 of layer 0 and the error of layer 1 alike, where they are at one position.
    @Test func idsDoNotCollide() throws {
        let graph = PrunedGraphTests.graph(seed: 4)
        let file = try file(graph)
        #expect(Set(file.nodes.map(\.id)).count == file.nodes.count)
        #expect(file.nodes.contains { $0.id == "0_1_1" && $0.kind == .feature })
        #expect(file.nodes.contains { $0.id == "0_1_1_error" && $0.kind == .error })
        let ids = Set(file.nodes.map(\.id))
        #expect(file.links.allSatisfy { ids.contains($0.source) && ids.contains($0.target) })
    }
}
