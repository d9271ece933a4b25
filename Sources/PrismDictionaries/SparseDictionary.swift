import PrismCore
import PrismTensor

/// A trained sparse dictionary: x ≈ Σᵢ zᵢ dᵢ + b, few zᵢ other than zero.
///
///     π = W_enc (x − b_in) + b_enc       z = activation(π)       ŷ = Σᵢ zᵢ W_dec[i] + b_dec  (+ W_skip x)
///
/// For an autoencoder ŷ stands for x itself and b_in is b_dec (or nothing); for a transcoder ŷ is another activation, and
/// W_skip the part of it that is linear in x. Takes activations as the model makes them: a scale used in training is
/// already folded in.
public struct SparseDictionary: Sendable {
    /// W_enc, one row per latent, [latents, input width].
    public let encoder: Tensor
    /// b_enc, [latents].
    public let encoderBias: Tensor
    /// W_dec, one row per latent, [latents, output width].
    public let decoder: Tensor
    /// b_dec, [output width].
    public let decoderBias: Tensor
    public let activation: LatentActivation
    /// Whether b_in is b_dec; otherwise it is nothing.
    public let centresInput: Bool
    /// W_skip, [output width, input width].
    public let skip: Tensor?
    /// Whether each input is first standardised by its own mean and deviation (n − 1), and its output turned back
    /// (OpenAI's autoencoders).
    public let standardisesInput: Bool
    private let backend: any Backend
    private let layout: EncoderLayout
    private let thresholds: Tensor?

    public init(
        encoder: Tensor, encoderBias: Tensor, decoder: Tensor, decoderBias: Tensor, activation: LatentActivation,
        centresInput: Bool = true, skip: Tensor? = nil, standardisesInput: Bool = false,
        backend: any Backend = CPUBackend(), precision: Precision = .fp32
    ) {
        precondition(encoder.rowCount == decoder.rowCount && encoderBias.count == encoder.rowCount)
        precondition(decoderBias.count == decoder.rowWidth)
        precondition(!(centresInput || standardisesInput) || encoder.rowWidth == decoder.rowWidth)
        precondition(skip == nil || skip!.shape == [decoder.rowWidth, encoder.rowWidth])
        self.encoder = encoder
        self.encoderBias = encoderBias
        self.decoder = decoder
        self.decoderBias = decoderBias
        self.activation = activation
        self.centresInput = centresInput
        self.skip = skip
        self.standardisesInput = standardisesInput
        self.backend = backend
        layout = backend.prepare(encoder: encoder, bias: encoderBias, precision: precision)
        thresholds = activation.thresholds(paddedTo: layout.paddedCount)
    }

    public var latentCount: Int { encoder.rowCount }
    /// Numbers in an input vector.
    public var width: Int { encoder.rowWidth }
    /// Numbers in an output vector; the same for an autoencoder.
    public var outputWidth: Int { decoder.rowWidth }

    /// Rows of one block: what a thread encodes and decodes while they are in its cache.
    private static let blockRows = 96

    /// z, with as many slots as the fullest row needs.
    /// - x: activations, [rows, width].
    public func encode(_ x: Tensor, workers: Workers = Workers(count: 1)) -> SparseCodes {
        let blocks = workers.map(x.rowCount, by: Self.blockRows) { _, range in encodeBlock(x.rows(range)) }
        return blocks.count == 1 ? blocks[0] : SparseCodes(joining: blocks)
    }

    private func encodeBlock(_ x: Tensor) -> SparseCodes {
        let input = x.copy()
        if standardisesInput { for t in 0..<x.rowCount { Standardisation(x[t], width).apply(to: input[t], width) } }
        if centresInput { for t in 0..<x.rowCount { for c in 0..<width { input[t][c] -= decoderBias.data[c] } } }
        if case .topK(let k) = activation {
            let codes = SparseCodes(rowCount: x.rowCount, slots: k)
            backend.encode(input, layout, [.largest(into: codes)])
            return codes
        }
        if case .matchingPursuit(let k, let end) = activation {
            let codes = SparseCodes(rowCount: x.rowCount, slots: k)
            backend.pursue(input, layout, decoder: decoder, end: end, into: codes)
            return codes
        }
        var slots = min(latentCount, 128)
        while true {
            let codes = SparseCodes(rowCount: x.rowCount, slots: slots)
            backend.encode(input, layout, [.all(above: thresholds!, into: codes)])
            guard codes.fullestRow <= slots else {
                slots = min(latentCount, 4 * slots)
                continue
            }
            activation.apply(to: codes, encoderBias: encoderBias)
            return codes
        }
    }

    /// ŷ from z.
    /// - x: the vectors that were encoded, [rows, width]; not needed where there is no skip connection and no input is
    ///   standardised. out: [rows, output width].
    public func decode(
        _ codes: SparseCodes, of x: Tensor? = nil, into out: Tensor, workers: Workers = Workers(count: 1)
    ) {
        precondition(x != nil || skip == nil && !standardisesInput)
        workers.forEachRange(out.rowCount, by: Self.blockRows) { _, range in
            let (rows, block) = (out.rows(range), x?.rows(range))
            backend.decode(codes.rows(range), decoder: decoder, into: rows)
            for t in 0..<range.count { for c in 0..<outputWidth { rows[t][c] += decoderBias.data[c] } }
            if let skip, let block {
                let linear = Tensor(range.count, outputWidth)
                backend.multiply(block, by: skip, transposed: true, into: linear)
                backend.add(linear, to: rows)
            }
            if standardisesInput, let block {
                for t in 0..<range.count { Standardisation(block[t], width).undo(on: rows[t], width) }
            }
        }
    }
}

/// (x − mean) / (deviation + 10⁻⁵) of one vector; back, ŷ · deviation + mean, as OpenAI and SAELens have it.
struct Standardisation {
    let mean, deviation: Float

    init(_ x: UnsafePointer<Float>, _ count: Int) {
        let mean = (0..<count).reduce(0.0) { $0 + Double(x[$1]) } / Double(count)
        let squares = (0..<count).reduce(0.0) { $0 + (Double(x[$1]) - mean) * (Double(x[$1]) - mean) }
        self.mean = Float(mean)
        deviation = Float((squares / Double(max(1, count - 1))).squareRoot())
    }

    func apply(to x: UnsafeMutablePointer<Float>, _ count: Int) {
        for c in 0..<count { x[c] = (x[c] - mean) / (deviation + 1e-5) }
    }

    func undo(on x: UnsafeMutablePointer<Float>, _ count: Int) {
        for c in 0..<count { x[c] = x[c] * deviation + mean }
    }
}
