import PrismCausal
import PrismCore
import PrismModels
import PrismTensor
import Testing

/// Circuits planted in hand-written weights: the method must find these nodes and edges, and no others.
@Suite struct CircuitTruthTests {
    private struct Found {
        let effects: NodeEffects
        /// Nodes and edges whose effect is not nothing beside the largest: planted ones are a tenth of it at least, rounding and
        /// the tails of attention a hundred-thousandth at most.
        let nodes: Set<String>
        let edges: Set<String>
    }

    private func find(
        _ model: Transformer, _ pairs: [PromptPair], _ places: [PlacedDictionary]
    ) throws -> Found {
        let activations = try PairedActivations(model, pairs, places: places, workers: Workers(count: 2))
        let effects = try NodeEffects(activations).byPosition(activations)
        let means = effects.means
        let nodes = zip(effects.nodes, means).filter { abs($1) > 1e-3 * abs(means[0]) }.map(\.0)
        let edges = try CircuitEdges(among: nodes, activations, effects).edges
        func name(_ node: CircuitNode?) -> String {
            guard let node else { return "answer" }
            let unit = node.unit.map(String.init) ?? "error"
            return "\(node.place):\(unit)" + (node.position.map { "@\($0)" } ?? "")
        }
        return Found(
            effects: effects, nodes: Set(nodes.map(name)),
            edges: Set(
                edges.filter { abs($0.effect) > 1e-3 * abs(edges[0].effect) }.map {
                    "\(name($0.from)) → \(name($0.to))"
                }))
    }

    /// A = 5 after 8, B = 6 after that: “the token before is A” where B stands, and “B comes next” at the end.
    @Test func induction() throws {
        let pair = try PlantedInduction.pair(5, 6, other: 7, foil: 9)
        let found = try find(PlantedInduction.model, [pair], PlantedInduction.places)
        #expect(found.nodes == ["0:5@3", "1:6@end", "1:9@end"])
        #expect(found.edges == ["0:5@3 → 1:6@end", "0:5@3 → 1:9@end", "1:6@end → answer", "1:9@end → answer"])
    }

    /// A = 1, B = 4: B is a duplicate at 4 (A in the other prompt), so it is inhibited at the end, so A is named.
    @Test func names() throws {
        let found = try find(PlantedNames.model, [try PlantedNames.pair(1, 4)], PlantedNames.places)
        #expect(found.nodes == ["0:1@4", "0:4@4", "1:1@end", "1:4@end", "2:1@end", "2:4@end"])
        #expect(
            found.edges == [
                "0:1@4 → 1:1@end", "0:4@4 → 1:4@end", "1:1@end → 2:1@end", "1:1@end → 2:4@end", "1:4@end → 2:1@end",
                "1:4@end → 2:4@end", "2:1@end → answer", "2:4@end → answer",
            ])
    }

    /// b of pair 7 reaches the answer through a + b and ReLU(a + b − 1), and through nothing else.
    @Test func exclusiveOr() throws {
        let found = try find(PlantedXOR.model, [try PlantedXOR.pair(7)], PlantedXOR.places)
        #expect(found.nodes == ["0:19@end", "1:7@end", "1:19@end", "2:7@end"])
        #expect(
            found.edges == [
                "0:19@end → 1:7@end", "0:19@end → 1:19@end", "1:7@end → 2:7@end", "1:19@end → 2:7@end",
                "2:7@end → answer",
            ])
        // All is piecewise linear, and b alone moves: each effect is known.
        for (node, effect) in zip(found.effects.nodes, found.effects.means) {
            let expected = [0: 1.0, 1: node.unit == 7 ? -1 : 2, 2: 1][node.place]!
            if found.nodes.contains("\(node.place):\(node.unit ?? -1)@end") { #expect(abs(effect - expected) < 1e-5) }
        }
    }

    /// The same circuit in the basis of neurons: six of them, none of which is of this XOR alone.
    @Test func exclusiveOrInNeurons() throws {
        let neurons = PlacedDictionary.axes(at: .neurons(layer: 0), width: 2 * PlantedXOR.points)
        let places = [PlantedXOR.places[0], neurons, PlantedXOR.places[2]]
        let found = try find(PlantedXOR.model, [try PlantedXOR.pair(7)], places)
        let expected = PlantedXOR.lines[7].flatMap { ["1:\($0)@end", "1:\(PlantedXOR.points + $0)@end"] }
        #expect(found.nodes == Set(expected + ["0:19@end", "2:7@end"]))
    }
}
