import Foundation
import PrismTensor

extension SparseDictionary {
    /// The same function with b_dec subtracted from the input, or not:
    ///
    ///     W x + b = W (x − b_dec) + (b + W b_dec)
    ///
    /// A gated dictionary's magnitudes, e^r W x + b_mag, take e^r W b_dec in the same way.
    func centred(_ isCentred: Bool) -> SparseDictionary {
        guard centresInput != isCentred else { return self }
        let sign: Double = isCentred ? 1 : -1
        let shift = (0..<latentCount).map { i in
            sign * (0..<width).reduce(0.0) { $0 + Double(encoder[i][$1]) * Double(decoderBias.data[$1]) }
        }
        func shifted(_ bias: Tensor, scale: (Int) -> Double = { _ in 1 }) -> Tensor {
            Tensor(shape: bias.shape, bias.values.enumerated().map { Float(Double($1) + scale($0) * shift[$0]) })
        }
        let activation: LatentActivation =
            if case .gated(let logScale, let bias) = activation {
                .gated(logScale: logScale, bias: shifted(bias) { exp(Double(logScale.data[$0])) })
            } else {
                activation
            }
        return SparseDictionary(
            encoder: encoder, encoderBias: shifted(encoderBias), decoder: decoder, decoderBias: decoderBias,
            activation: activation, centresInput: isCentred, skip: skip, standardisesInput: standardisesInput)
    }
}

extension Tensor {
    /// A matrix with rows and columns exchanged, in blocks that fit the first-level cache.
    package func transposed() -> Tensor {
        let result = Tensor(rowWidth, rowCount)
        for r0 in stride(from: 0, to: rowCount, by: 32) {
            for c0 in stride(from: 0, to: rowWidth, by: 32) {
                for c in c0..<min(c0 + 32, rowWidth) {
                    for r in r0..<min(r0 + 32, rowCount) { result[c][r] = self[r][c] }
                }
            }
        }
        return result
    }
}
