import PrismCore
import PrismFormats
import PrismTensor

/// Reads a family's tensors, checks every shape, and has the backend lay them out.
struct WeightLoader {
    let weights: any WeightSource
    let layout: ModelFamily.Layout
    let configuration: TransformerConfiguration
    let precision: Precision
    let backend: any Backend
    /// Named in errors.
    let file: String

    func load() throws -> TransformerWeights {
        let names = layout.names
        try checkNothingIsLeftOut()
        let c = configuration
        let embedding = try weights.tensor(names.embedding, shape: [c.vocabularySize, c.width])
        let blocks = try (0..<c.layerCount).map { layer in
            func vector(_ name: String) throws -> Tensor {
                try self.vector(name.replacing("#", with: "\(layer)"))
            }
            func matrix(_ name: String, _ rows: Int, _ columns: Int, rotaryHeads: Int? = nil) throws -> LinearWeight {
                var weight = try weights.tensor(name.replacing("#", with: "\(layer)"), shape: [rows, columns])
                if let rotaryHeads, layout.interleavedRotary { weight = halfSplit(weight, heads: rotaryHeads) }
                return backend.prepare(weight, precision: precision)
            }
            return TransformerWeights.Block(
                attentionNorm: try vector(names.attentionNorm),
                query: try matrix(names.query, c.queryWidth, c.width, rotaryHeads: c.headCount),
                key: try matrix(names.key, c.keyValueWidth, c.width, rotaryHeads: c.keyValueHeadCount),
                value: try matrix(names.value, c.keyValueWidth, c.width),
                attentionOut: try matrix(names.attentionOut, c.width, c.queryWidth),
                mlpNorm: try vector(names.mlpNorm),
                gate: try matrix(names.gate, c.mlpWidth, c.width),
                up: try matrix(names.up, c.mlpWidth, c.width),
                down: try matrix(names.down, c.width, c.mlpWidth))
        }
        let unembedding =
            try c.tiedEmbeddings
            ? embedding : weights.tensor(names.unembedding, shape: [c.vocabularySize, c.width])
        return TransformerWeights(
            embedding: embedding, blocks: blocks, finalNorm: try vector(names.finalNorm),
            unembedding: backend.prepare(unembedding, precision: precision))
    }

    /// A norm's weight, copied because the file's memory need not be aligned.
    private func vector(_ name: String) throws -> Tensor {
        try weights.tensor(name, shape: [configuration.width]).copy()
    }

    /// A tensor that the runtime would pass over would make it compute another model.
    private func checkNothingIsLeftOut() throws {
        let beyond = layout.names.query.replacing("#", with: "\(configuration.layerCount)")
        if weights.shape(of: beyond) != nil {
            throw PrismError.badData(
                "\(file): \(configuration.layerCount) layers are stated, but there is a tensor ‘\(beyond)’")
        }
        if let bias = weights.names.first(where: { $0.hasSuffix(".bias") }) {
            throw PrismError.badData("\(file): the model has biases (‘\(bias)’), which this family does not support")
        }
    }

    /// Rows of each head from RoPE's neighbouring pairs to half-split pairs: row 2i + j comes to j · headWidth / 2 + i. The
    /// inverse of what llama.cpp's converter does to query and key weights.
    /// - weight: [heads · headWidth, inputs]
    private func halfSplit(_ weight: Tensor, heads: Int) -> Tensor {
        let result = Tensor(shape: weight.shape)
        let headWidth = weight.rowCount / heads
        for row in 0..<weight.rowCount {
            let (head, place) = (row / headWidth * headWidth, row % headWidth)
            result[head + place % 2 * (headWidth / 2) + place / 2].update(from: weight[row], count: weight.rowWidth)
        }
        return result
    }
}
