import Foundation
import PrismCore
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismCausal

/// Influence and pruning beside a naive twin: square matrices, powers, and circuit-tracer's steps one by one.
@Suite struct PrunedGraphTests {
    /// Four layers of features, two positions; edges lead upwards, some are missing.
    static func graph(seed: UInt64) -> AttributionGraph {
        var random = SeededGenerator(seed: seed, stream: "graph")
        let features = (0..<4).flatMap { layer in
            (0..<5).map {
                LocalReplacement.Feature(
                    layer: layer, latent: 10 * layer + $0, position: $0 % 2, activation: 1 + Float($0),
                    transcoder: layer)
            }
        }
        let weights = Tensor(23, 20 + 8 + 2)
        for row in 0..<23 {
            let layer = row < 20 ? features[row].layer : 4
            for column in 0..<30 {
                let source = column < 20 ? features[column].layer : column < 28 ? (column - 20) / 2 : -1
                guard source < layer, Int.random(in: 0..<3, using: &random) > 0 else { continue }
                weights[row][column] = random.normal()
            }
        }
        let logits = [0.5, 0.2, 0.1].enumerated().map {
            LogitTarget(token: Int32($0), probability: $1, row: Tensor(1, 1))
        }
        return AttributionGraph(
            tokens: [1, 2], layerCount: 4, activeCount: 20, features: features, logits: logits, weights: weights,
            remainders: [Double](repeating: 0, count: 23), values: [Double](repeating: 1, count: 23))
    }

    private struct Naive {
        var matrix: [[Double]]
        let weights: [Double]

        init(_ graph: AttributionGraph) {
            let count = graph.nodeCount
            matrix = (0..<count).map { node in
                guard let row = graph.target(ofNode: node) else { return [Double](repeating: 0, count: count) }
                return (0..<graph.sourceCount).map { Double(graph.weights[row][$0]) }
                    + [Double](repeating: 0, count: graph.logits.count)
            }
            weights = [Double](repeating: 0, count: graph.sourceCount) + graph.logits.map(\.probability)
        }

        var normalised: [[Double]] {
            matrix.map { row in
                let sum = row.reduce(0) { $0 + abs($1) }
                return row.map { abs($0) / max(sum, 1e-10) }
            }
        }

        func influence() -> [Double] {
            let a = normalised
            var (current, total) = (weights, weights.map { _ in 0.0 })
            for _ in 0..<weights.count {
                current = weights.indices.map { s in weights.indices.reduce(0) { $0 + current[$1] * a[$1][s] } }
                for s in total.indices { total[s] += current[s] }
            }
            return total
        }

        static func threshold(_ scores: [Double], _ share: Double) -> Double {
            let sorted = scores.sorted(by: >)
            let total = scores.reduce(0, +)
            var sum = 0.0
            for score in sorted {
                sum += score
                if sum >= share * total { return score }
            }
            return sorted.last!
        }
    }

    @Test(arguments: 0..<6) func pruningIsCircuitTracers(_ seed: UInt64) throws {
        let graph = Self.graph(seed: seed)
        var naive = Naive(graph)
        let influence = naive.influence()
        let found = graph.influence.ofNodes
        #expect((0..<30).allSatisfy { abs(found[$0] - influence[$0]) < 1e-9 })

        let (tokens, errors) = (28..<30, 20..<28)
        let scores = graph.scores
        let fromTokens = tokens.reduce(0) { $0 + influence[$1] }
        let fromErrors = errors.reduce(0) { $0 + influence[$1] }
        #expect(abs(scores.replacement - fromTokens / (fromTokens + fromErrors)) < 1e-9)
        let normalised = naive.normalised
        let output = zip(influence, naive.weights).map { $0 + $1 }
        let explained = output.indices.reduce(0.0) { sum, node in
            sum + output[node] * (1 - errors.reduce(0) { $0 + normalised[node][$1] })
        }
        #expect(abs(scores.completeness - explained / output.reduce(0, +)) < 1e-9)

        for (nodeShare, edgeShare) in [(0.8, 0.98), (0.5, 0.7), (0.3, 0.4)] {
            naive = Naive(graph)
            let least = Naive.threshold(influence, nodeShare)
            var kept = (0..<33).map { influence[$0] >= least || $0 >= 28 }
            for a in 0..<33 { for b in 0..<33 where !kept[a] || !kept[b] { naive.matrix[a][b] = 0 } }
            let total = zip(naive.influence(), naive.weights).map { $0 + $1 }
            let edgeScores = naive.normalised.enumerated().map { row, numbers in numbers.map { $0 * total[row] } }
            let leastEdge = Naive.threshold(edgeScores.flatMap(\.self), edgeShare)
            var edges = edgeScores.map { $0.map { $0 >= leastEdge && $0 > 0 } }
            while true {
                let before = kept
                for node in 0..<28 where kept[node] {
                    if !(0..<33).contains(where: { edges[$0][node] }) { kept[node] = false }
                    if node < 20, !edges[node].contains(true) { kept[node] = false }
                }
                for a in 0..<33 { for b in 0..<33 where !kept[a] || !kept[b] { edges[a][b] = false } }
                if kept == before { break }
            }
            let pruned = PrunedGraph(graph, nodeThreshold: nodeShare, edgeThreshold: edgeShare)
            #expect(pruned.nodes == kept.indices.filter { kept[$0] })
            #expect(
                pruned.edges.map { [$0.target, $0.source] }
                    == (0..<33).flatMap { t in (0..<33).filter { edges[t][$0] }.map { [t, $0] } })
            for edge in pruned.edges {
                #expect(abs(edge.influence - edgeScores[edge.target][edge.source]) < 1e-9)
                #expect(edge.weight == graph.weights[graph.target(ofNode: edge.target)!][edge.source])
            }
        }
    }

    private struct Golden: Decodable {
        struct Case: Decodable {
            let nodeShare, edgeShare: Double
            let weights: [[Float]]
            let probabilities: [Double]
            let nodes: [Int]
            let edges: [[Int]]
            let cumulative: [Double]
            let replacement, completeness: Double
        }

        let layers, tokens, perLayer: Int
        let cases: [Case]
    }

    /// Scripts/goldens/graph_goldens.py: circuit-tracer's own output.
    @Test func circuitTracerKeepsTheSame() throws {
        let url = packageRoot.appending(path: "Tests/PrismCausalTests/Goldens/pruning.json")
        let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: url))
        let features = (0..<golden.layers * golden.perLayer).map {
            LocalReplacement.Feature(
                layer: $0 / golden.perLayer, latent: $0, position: 0, activation: 1, transcoder: 0)
        }
        for item in golden.cases {
            let graph = AttributionGraph(
                tokens: [Int32](repeating: 1, count: golden.tokens), layerCount: golden.layers,
                activeCount: features.count, features: features,
                logits: item.probabilities.enumerated().map {
                    LogitTarget(token: Int32($0), probability: $1, row: Tensor(1, 1))
                },
                weights: Tensor(shape: [item.weights.count, item.weights[0].count], item.weights.flatMap(\.self)),
                remainders: [], values: [])
            let pruned = PrunedGraph(graph, nodeThreshold: item.nodeShare, edgeThreshold: item.edgeShare)
            #expect(pruned.nodes == item.nodes)
            #expect(pruned.edges.map { [$0.target, $0.source] } == item.edges)
            // circuit-tracer sums in fp32.
            #expect(zip(pruned.cumulativeInfluence, item.cumulative).allSatisfy { abs($0 - $1) < 1e-5 })
            #expect(abs(graph.scores.replacement - item.replacement) < 1e-5)
            #expect(abs(graph.scores.completeness - item.completeness) < 1e-5)
        }
    }

    @Test func theStrongestEdgesAreThoseOfTheWholeGraph() {
        let graph = Self.graph(seed: 7)
        let influence = graph.influence
        let all = (0..<graph.weights.rowCount).flatMap { row in
            graph.features.indices.map { source in
                let (weight, target) = (graph.weights[row][source], graph.node(ofTarget: row))
                let share = influence.ofNodes[target] * influence.scales[row] * Double(abs(weight))
                return AttributionGraph.Edge(source: source, target: target, weight: weight, influence: share)
            }
        }
        let sorted = all.sorted { $0.influence > $1.influence }
        #expect(graph.strongestEdges(12) == Array(sorted.prefix(12)))
        #expect(graph.strongestEdges(10_000) == sorted.filter { $0.influence > 0 })
    }

    @Test func cumulativeInfluenceReachesOne() {
        let graph = Self.graph(seed: 3)
        let pruned = PrunedGraph(graph)
        let order = (0..<30).sorted { pruned.cumulativeInfluence[$0] < pruned.cumulativeInfluence[$1] }
        let influence = graph.influence.ofNodes
        #expect(zip(order, order.dropFirst()).allSatisfy { influence[$0] >= influence[$1] })
        #expect(abs(pruned.cumulativeInfluence[order.last!] - 1) < 1e-12)
    }
}
