import PrismCore
import PrismTensor

/// What each source of a local replacement adds to the residual stream, and where.
///
/// The sources are numbered: features, then errors layer by layer, then tokens.
struct SourceVectors {
    /// The sources that write at one position of one hook point.
    struct Place {
        let hook: HookPoint
        let position: Int
        /// Which source each row is of; nil for biases.
        let sources: [Int?]
        /// [rows, width]
        let vectors: Tensor
    }

    let places: [Place]
    let count: Int

    init(_ replacement: LocalReplacement) {
        let (features, tokenCount) = (replacement.features, replacement.tokens.count)
        let (layers, width) = (replacement.errors.count, replacement.embeddings.rowWidth)
        var writers = [[(feature: Int, part: Int)]](repeating: [], count: layers * tokenCount)
        for (number, feature) in features.enumerated() {
            for (part, layer) in replacement.transcoders[feature.transcoder].writes.enumerated() {
                writers[layer * tokenCount + feature.position].append((number, part))
            }
        }
        var biases = [[(transcoder: Int, part: Int)]](repeating: [], count: layers * tokenCount)
        for (place, transcoder) in replacement.transcoders.enumerated() {
            for (part, layer) in transcoder.writes.enumerated() {
                for t in replacement.usedPositions[place] { biases[layer * tokenCount + t].append((place, part)) }
            }
        }
        let errorPlaces = (0..<layers * tokenCount).map { place in
            let (layer, position) = place.quotientAndRemainder(dividingBy: tokenCount)
            let (own, constant) = (writers[place], biases[place])
            let vectors = Tensor(own.count + 1 + constant.count, width)
            for (row, (number, part)) in own.enumerated() {
                let feature = features[number]
                let decoder = replacement.transcoders[feature.transcoder].dictionary.decoder
                let (out, vector) = (vectors[row], decoder[feature.latent] + part * width)
                for c in 0..<width { out[c] = feature.activation * vector[c] }
            }
            vectors[own.count].update(from: replacement.errors[layer][position], count: width)
            for (i, (transcoder, part)) in constant.enumerated() {
                let bias = replacement.transcoders[transcoder].dictionary.decoderBias
                vectors[own.count + 1 + i].update(from: bias.data + part * width, count: width)
            }
            return Place(
                hook: .mlpOut(layer: layer), position: position,
                sources: own.map(\.feature) + [features.count + place] + constant.map { _ in nil }, vectors: vectors)
        }
        let first = features.count + layers * tokenCount
        places =
            errorPlaces
            + (0..<tokenCount).map {
                Place(
                    hook: .embedding, position: $0, sources: [first + $0],
                    vectors: replacement.embeddings.rows($0..<$0 + 1))
            }
        count = first + tokenCount
    }
}
