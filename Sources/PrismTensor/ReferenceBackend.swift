import Foundation

/// Every operation as its definition says it, in double precision where sums are long: slow, obvious, the reference of the
/// tests and of `prism doctor`.
public struct ReferenceBackend: Backend {
    public init() {}

    public func prepare(_ weight: Tensor, precision: Precision) -> LinearWeight {
        let storage = weight.copy()
        if precision == .bf16 { for i in 0..<storage.count { storage.data[i] = storage.data[i].roundedToBF16 } }
        return LinearWeight(
            outputCount: weight.rowCount, inputCount: weight.rowWidth, precision: precision, storage: storage)
    }

    public func linear(_ x: Tensor, _ weight: LinearWeight, into out: Tensor) {
        for t in 0..<x.rowCount {
            for n in 0..<weight.outputCount {
                var sum = 0.0
                for k in 0..<weight.inputCount {
                    let input = weight.precision == .bf16 ? x[t][k].roundedToBF16 : x[t][k]
                    sum += Double(input) * Double(weight.storage[n][k])
                }
                out[t][n] = Float(sum)
            }
        }
    }

    public func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float, into out: Tensor) {
        for t in 0..<x.rowCount {
            let meanSquare = (0..<x.rowWidth).reduce(0.0) { $0 + pow(Double(x[t][$1]), 2) } / Double(x.rowWidth)
            let scale = 1 / (meanSquare + Double(epsilon)).squareRoot()
            for i in 0..<x.rowWidth { out[t][i] = Float(Double(x[t][i]) * scale * Double(weight.data[i])) }
        }
    }

    public func rotate(_ x: Tensor, headWidth: Int, firstPosition: Int, frequencies: Tensor) {
        for t in 0..<x.rowCount {
            for head in stride(from: 0, to: x.rowWidth, by: headWidth) {
                for i in 0..<headWidth / 2 {
                    let angle = Double(Float(firstPosition + t) * frequencies.data[i])
                    let (a, b) = (Double(x[t][head + i]), Double(x[t][head + i + headWidth / 2]))
                    x[t][head + i] = Float(a * cos(angle) - b * sin(angle))
                    x[t][head + i + headWidth / 2] = Float(b * cos(angle) + a * sin(angle))
                }
            }
        }
    }

    public func attention(queries: Tensor, keys: Tensor, values: Tensor, headWidth: Int, into out: Tensor) {
        let past = keys.rowCount - queries.rowCount
        let group = queries.rowWidth / keys.rowWidth
        for t in 0..<queries.rowCount {
            for head in 0..<queries.rowWidth / headWidth {
                let (query, source) = (head * headWidth, head / group * headWidth)
                let scores = (0...past + t).map { position in
                    (0..<headWidth).reduce(0.0) {
                        $0 + Double(queries[t][query + $1]) * Double(keys[position][source + $1])
                    } / Double(headWidth).squareRoot()
                }
                let weights = scores.map { exp($0 - scores.max()!) }
                let total = weights.reduce(0, +)
                for i in 0..<headWidth {
                    let sum = weights.indices.reduce(0.0) { $0 + weights[$1] * Double(values[$1][source + i]) }
                    out[t][query + i] = Float(sum / total)
                }
            }
        }
    }

    public func gatedSiLU(gate: Tensor, up: Tensor, into out: Tensor) {
        for i in 0..<gate.count {
            let g = Double(gate.data[i])
            out.data[i] = Float(g / (1 + exp(-g)) * Double(up.data[i]))
        }
    }

    public func add(_ x: Tensor, to target: Tensor) {
        for i in 0..<x.count { target.data[i] += x.data[i] }
    }
}

extension Float {
    /// The nearest bf16 (8 bits of mantissa, ties to even), as a Float.
    package var roundedToBF16: Float {
        guard isFinite else { return self }
        let bits = bitPattern
        return Float(bitPattern: (bits &+ 0x7fff &+ ((bits >> 16) & 1)) & 0xffff_0000)
    }
}
