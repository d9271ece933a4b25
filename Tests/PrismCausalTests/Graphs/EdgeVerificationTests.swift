import PrismCore
import PrismModels
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct EdgeVerificationTests {
    private let workers = Workers(count: 2)

    /// What a change is, computed for each edge by a pass of its own.
    @Test func changesAreThoseOfWholePasses() throws {
        let replacement = try GraphWorld.replacement((0..<3).map { try GraphWorld.transcoder($0) })
        let model = replacement.model
        let graph = try AttributionGraph(replacement, workers: workers)
        let edges = PrunedGraph(graph).edges.filter { $0.source < graph.features.count }
        let chosen = Array(edges.filter { $0.target < graph.features.count }.prefix(5) + edges.suffix(5))
        let verification = try EdgeVerification(of: chosen, in: graph, replacement, workers: workers)
        let hooks = (0..<3).map { HookPoint.mlpOut(layer: $0) }
        let clean = try model.run(
            ForwardRequest(
                contexts: [GraphWorld.tokens], capture: hooks + (0..<3).map { .mlpIn(layer: $0) } + [.finalNorm]))
        for (edge, found) in zip(chosen, verification.edges) {
            let feature = graph.features[edge.source]
            let decoder = replacement.transcoders[feature.layer].dictionary.decoder
            let removal = Intervention(at: .mlpOut(layer: feature.layer)) { x, _ in
                for c in 0..<24 { x[feature.position][c] -= feature.activation * decoder[feature.latent][c] }
            }
            let later = ((feature.layer + 1)..<3).map { layer in
                Intervention(at: .mlpOut(layer: layer)) { x, _ in x.update(from: clean[.mlpOut(layer: layer)]) }
            }
            for (interventions, change) in [([removal], found.free), ([removal] + later, found.held)] {
                let (hook, position, row): (HookPoint, Int, Tensor) =
                    if edge.target < graph.features.count {
                        (
                            .mlpIn(layer: graph.features[edge.target].layer), graph.features[edge.target].position,
                            replacement.transcoders[graph.features[edge.target].layer].dictionary.encoder.rows(
                                graph.features[edge.target].latent..<graph.features[edge.target].latent + 1)
                        )
                    } else {
                        (.finalNorm, 5, graph.logits[edge.target - graph.sourceCount].row)
                    }
                let changed = try model.run(
                    ForwardRequest(contexts: [GraphWorld.tokens], capture: [hook], interventions: interventions))
                let expected = (0..<24).reduce(0.0) {
                    $0 + Double(row.data[$1]) * Double(changed[hook][position][$1] - clean[hook][position][$1])
                }
                #expect(abs(expected - change) < 1e-5)
            }
            #expect(found.edge == -Double(edge.weight))
        }
    }

    @Test func agreementIsPearsons() {
        let agreement = EdgeVerification.agreement([(1, 2), (2, 1), (-1, -3), (4, -1)])
        // By hand: means 1.5 and −0.25; Σ dx dy = 4.5, Σ dx² = 13, Σ dy² = 14.75.
        #expect(abs(agreement.correlation! - 4.5 / (13 * 14.75).squareRoot()) < 1e-12)
        #expect(agreement.sameSign == 0.75)
        // |predicted − actual| / |actual|: 1/2, 1, 2/3, 5.
        let median: Double = (2.0 / 3 + 1) / 2
        #expect(agreement.error == median)
    }
}
