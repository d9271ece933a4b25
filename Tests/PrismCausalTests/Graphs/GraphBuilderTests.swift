import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct GraphBuilderTests {
    private let workers = Workers(count: 2)

    /// In models without biases of their own, edges and the transcoders' biases add up to every target.
    @Test(arguments: 0..<5) func edgesAreComplete(_ kind: Int) throws {
        var configuration = GraphWorld.configuration()
        switch kind {
        case 1: configuration.normsAreCentred = true
        case 2: configuration.arrangement = .parallel
        case 3: (configuration.norms, configuration.queryKeyNorm) = (.both, .head)
        case 4: (configuration.rotaryWidth, configuration.logitSoftCap) = (0, 3)
        default: break
        }
        let thresholds = Tensor(shape: [30], [Float](repeating: 0.4, count: 30))
        for transcoders in [
            [try GraphWorld.transcoder(0), try GraphWorld.transcoder(2, .relu)],
            [
                try GraphWorld.transcoder(0, .relu, skip: true), try GraphWorld.transcoder(1, skip: true),
                try GraphWorld.transcoder(2, .jumpReLU(thresholds: thresholds), skip: true),
            ],
        ] {
            let replacement = try GraphWorld.replacement(transcoders, model: GraphWorld.model(configuration))
            let graph = try AttributionGraph(replacement, workers: workers)
            #expect(graph.features.count == replacement.features.count)
            #expect(graph.weights.rowCount == graph.features.count + graph.logits.count)
            for (value, remainder) in zip(graph.values, graph.remainders) {
                // fp32 sums of some hundred products of numbers up to ten.
                #expect(abs(remainder) < 2e-5 * max(1, abs(value)))
            }
        }
    }

    @Test func edgesOfCrossLayerTranscodersAreComplete() throws {
        let graph = try AttributionGraph(try GraphWorld.replacement(crossing()), workers: workers)
        #expect(graph.remainders.allSatisfy { abs($0) < 1e-4 })
    }

    private func crossing() throws -> [LayerTranscoder] {
        let layers = (0..<3).map { layer in
            let dictionary = GraphWorld.dictionary("\(layer)", .topK(4), outputs: 24 * (3 - layer))
            for i in 24..<max(24, dictionary.outputWidth) { dictionary.decoderBias.data[i] = 0 }
            return dictionary
        }
        return try LayerTranscoder.layers(of: CrossLayerTranscoder(layers: layers), name: "crossing")
    }

    /// Each feature taken out of the frozen model, run forwards, changes every target by its edge.
    @Test func edgesAreWhatTakingTheirSourceOutDoes() throws {
        for transcoders in [
            try (0..<3).map { try GraphWorld.transcoder($0) }, try crossing(),
        ] {
            let replacement = try GraphWorld.replacement(transcoders)
            let graph = try AttributionGraph(replacement, workers: workers)
            let forward = try FrozenForward(replacement)
            var largest: Float = 0
            for (source, feature) in graph.features.enumerated() {
                let transcoder = replacement.transcoders[feature.transcoder]
                let removed = transcoder.writes.enumerated().map { part, layer in
                    let row = transcoder.dictionary.decoder[feature.latent] + 24 * part
                    return (layer, feature.position, (0..<24).map { feature.activation * row[$0] })
                }
                var changes: [HookPoint: Tensor] = [:]
                for hook in transcoders.map(\.reads) + [.finalNorm] {
                    changes[hook] = try forward.change(at: hook, removing: removed)
                }
                for row in 0..<graph.weights.rowCount {
                    let (hook, position, vector) = target(row, graph, replacement)
                    let change = changes[hook]![position]
                    let actual = (0..<24).reduce(Float(0)) { $0 + vector.data[$1] * change[$1] }
                    largest = max(largest, abs(actual))
                    // Differences of numbers around ten, in fp32.
                    #expect(abs(graph.weights[row][source] + actual) < 3e-5)
                }
            }
            #expect(largest > 0.1)
        }
    }

    private func target(_ row: Int, _ graph: AttributionGraph, _ replacement: LocalReplacement)
        -> (HookPoint, position: Int, vector: Tensor)
    {
        guard row < graph.features.count else {
            return (.finalNorm, graph.tokens.count - 1, graph.logits[row - graph.features.count].row)
        }
        let feature = graph.features[row]
        let transcoder = replacement.transcoders[feature.transcoder]
        let encoder = transcoder.dictionary.encoder.rows(feature.latent..<feature.latent + 1)
        return (transcoder.reads, feature.position, encoder)
    }

    @Test func threadsChangeNothing() throws {
        let replacement = try GraphWorld.replacement((0..<3).map { try GraphWorld.transcoder($0) })
        let graphs = try [1, 3].map { try AttributionGraph(replacement, workers: Workers(count: $0)) }
        #expect(graphs[0].weights.values == graphs[1].weights.values)
        #expect(graphs[0].remainders == graphs[1].remainders)
    }

    /// A graph that would not fit is refused before it is begun.
    @Test func memoryIsLimited() throws {
        let replacement = try GraphWorld.replacement([try GraphWorld.transcoder(0)])
        // Three layers' errors and the token at each of six positions.
        let (features, sources) = (replacement.features.count, replacement.features.count + 24)
        let logits = try AttributionGraph(replacement, workers: workers).logits.count
        func graph(bytes: Int, limit: Int) throws -> AttributionGraph {
            try AttributionGraph(replacement, featureLimit: limit, memoryLimit: UInt64(bytes), workers: workers)
        }
        let bytes = 4 * (features + logits) * sources
        #expect(try graph(bytes: bytes, limit: 7500).features.count == features)
        #expect(throws: PrismError.self) { try graph(bytes: bytes - 1, limit: 7500) }
        #expect(try graph(bytes: bytes - 1, limit: features - 1).features.count == features - 1)
    }

    /// With room for few features, those are traced that the logits' edges lead to, and among them edges stay what they are.
    @Test func aLimitKeepsTheMostInfluential() throws {
        let replacement = try GraphWorld.replacement((0..<3).map { try GraphWorld.transcoder($0) })
        let whole = try AttributionGraph(replacement, workers: workers)
        let logitRows = whole.weights.rows(whole.features.count..<whole.weights.rowCount)
        let direct = Influence(
            logitRows, nodes: whole.logits.indices.map { whole.sourceCount + $0 },
            logitWeights: whole.logits.map(\.probability)
        ).ofNodes
        let expected = whole.features.indices.sorted { direct[$0] > direct[$1] }.prefix(7).sorted()
        let some = try AttributionGraph(replacement, featureLimit: 7, workers: workers)
        #expect(some.features == expected.map { whole.features[$0] })
        let columns = expected + (whole.features.count..<whole.sourceCount)
        for (row, old) in (expected + (whole.features.count..<whole.weights.rowCount)).enumerated() {
            for (column, source) in columns.enumerated() {
                #expect(abs(some.weights[row][column] - whole.weights[old][source]) < 1e-6)
            }
        }
    }
}
