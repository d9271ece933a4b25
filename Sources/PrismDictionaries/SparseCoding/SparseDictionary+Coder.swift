import PrismCore
import PrismTensor

extension SparseDictionary {
    /// The code that a coder finds for this decoder; the encoder is not asked. What the encoder's own code explains less is
    /// the price of finding it in one step, and no fault of the decoder.
    /// - x: activations, [rows, width]. target: what the dictionary is to give, [rows, output width]; nil for x itself.
    /// - Throws: `PrismError.usage` for a coder without sense, or a transcoder without a target.
    public func encode(
        _ x: Tensor, by coder: SparseCoder, target: Tensor? = nil, workers: Workers = Workers(count: 1)
    ) throws -> SparseCodes {
        try coder.validate(latents: latentCount)
        guard target != nil || width == outputWidth else {
            throw PrismError.usage(
                "a dictionary from \(width) to \(outputWidth) numbers has no code without the vectors it is to give; pass them as the target"
            )
        }
        let rest = (target ?? x).copy()
        precondition(x.rowWidth == width && rest.shape == [x.rowCount, outputWidth])
        if standardisesInput { for t in 0..<x.rowCount { Standardisation(x[t], width).apply(to: rest[t], width) } }
        for t in 0..<x.rowCount { for c in 0..<outputWidth { rest[t][c] -= decoderBias.data[c] } }
        if let skip {
            let linear = Tensor(shape: rest.shape)
            CPUBackend().multiply(x, by: skip, transposed: true, into: linear)
            for i in 0..<rest.count { rest.data[i] -= linear.data[i] }
        }
        return coder.codes(of: rest, for: Atoms(decoder), workers: workers)
    }
}

extension SparseCoder {
    fileprivate func validate(latents: Int) throws {
        switch self {
        case .orthogonalMatchingPursuit(let k), .gradientPursuit(let k):
            guard (1...latents).contains(k) else {
                throw PrismError.usage("k must lie between 1 and the \(latents) latents, not be \(k)")
            }
        case .nonNegativeLeastSquares: break
        case .fista(let penalty):
            guard penalty > 0, penalty.isFinite else {
                throw PrismError.usage("the L1 penalty lambda must be a positive number, not \(penalty)")
            }
        }
    }
}
