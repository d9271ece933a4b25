import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

/// A prompt's local replacement model (Ameisen et al. 2025, Circuit Tracing): the model with each MLP written as
///
///     mlpOut_m[t] = Σᵢ aᵢ dᵢ→m + b_m + W_skip x + ε_m[t]
///
/// over the features i that are active at t, which read layer m or an earlier one. ε is whatever is missing, so that nothing
/// changes. With attention patterns and norm scales held, everything behind is linear in token embeddings, aᵢ dᵢ, b and ε.
public struct LocalReplacement: Sendable {
    /// An active latent.
    public struct Feature: Hashable, Sendable {
        public let layer, latent, position: Int
        /// a
        public let activation: Float
        /// Its transcoder's place.
        let transcoder: Int
    }

    public let model: Transformer
    /// In order of their layers.
    public let transcoders: [LayerTranscoder]
    public let tokens: [Int32]
    /// In order of layers, then positions, then latents: an edge leads to a feature from those before it alone.
    public let features: [Feature]
    /// ε of each layer, [tokens, width]. Where a layer has no transcoder, or it says nothing of a position, all of the MLP's
    /// output.
    public let errors: [Tensor]
    /// [tokens, width]
    let embeddings: Tensor
    /// What the unembedding reads at the last token, [1, width].
    let lastNorm: Tensor
    /// For each transcoder the positions it speaks of.
    let usedPositions: [[Int]]

    /// - positions: where features count: not at the first token and special ones, which transcoders are not trained on.
    /// - Throws: `PrismError.usage` for a transcoder of another model, and for two that read the same layer.
    public init(
        _ model: Transformer, _ transcoders: [LayerTranscoder], tokens: [Int32], positions: [Int], workers: Workers
    ) throws {
        let transcoders = transcoders.sorted { $0.layer < $1.layer }
        try Self.check(transcoders, model)
        let hooks = (0..<model.configuration.layerCount).map { HookPoint.mlpOut(layer: $0) }
        let found = try model.run(
            ForwardRequest(contexts: [tokens], capture: [.embedding] + hooks + transcoders.map(\.reads) + [.finalNorm]),
            workers: workers)
        let errors = hooks.map { found[$0].copy() }
        var features: [Feature] = []
        var used: [[Int]] = []
        for (place, transcoder) in transcoders.enumerated() {
            let read = found[transcoder.reads]
            let own = positions.filter { transcoder.sinks?.contains(read[$0]) != true }
            let x = read.gathered(own)
            let codes = transcoder.dictionary.encode(x, workers: workers)
            let written = Tensor(own.count, transcoder.dictionary.outputWidth)
            transcoder.dictionary.decode(codes, of: x, into: written, workers: workers)
            for (i, t) in own.enumerated() {
                for (part, layer) in transcoder.writes.enumerated() {
                    let (error, width) = (errors[layer], errors[layer].rowWidth)
                    for c in 0..<width { error[t][c] -= written[i][part * width + c] }
                }
                features += codes[i].map {
                    Feature(
                        layer: transcoder.layer, latent: $0.latent, position: t, activation: $0.value, transcoder: place
                    )
                }
            }
            used.append(own)
        }
        (self.model, self.transcoders, self.tokens) = (model, transcoders, tokens)
        (self.features, self.errors, usedPositions) = (features, errors, used)
        embeddings = found[.embedding]
        lastNorm = found[.finalNorm].gathered([tokens.count - 1])
    }

    private static func check(_ transcoders: [LayerTranscoder], _ model: Transformer) throws {
        let (layers, width) = (model.configuration.layerCount, model.configuration.width)
        guard !transcoders.isEmpty else { throw PrismError.usage("a graph needs at least one transcoder") }
        for (a, b) in zip(transcoders, transcoders.dropFirst()) where a.layer == b.layer {
            throw PrismError.usage(
                "\(a.name) and \(b.name) both read layer \(a.layer); a graph has room for one of them")
        }
        for transcoder in transcoders {
            let dictionary = transcoder.dictionary
            guard transcoder.writes.upperBound <= layers, dictionary.width == width,
                dictionary.outputWidth == transcoder.writes.count * width
            else {
                throw PrismError.usage(
                    "\(transcoder.name) is of another model: it reads \(dictionary.width) numbers at layer \(transcoder.layer), the model has width \(width) and \(layers) layers"
                )
            }
        }
    }
}
