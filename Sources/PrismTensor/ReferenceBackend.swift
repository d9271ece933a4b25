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

    public func multiply(_ a: Tensor, by b: Tensor, transposed: Bool, into out: Tensor) {
        for i in 0..<a.rowCount {
            for j in 0..<out.rowWidth {
                out[i][j] = Float(
                    (0..<a.rowWidth).reduce(0.0) { $0 + Double(a[i][$1]) * Double(transposed ? b[j][$1] : b[$1][j]) })
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

    public func prepare(encoder weight: Tensor, bias: Tensor, precision: Precision) -> EncoderLayout {
        EncoderLayout(weight: weight, bias: bias, precision: precision, panelWidth: 1)
    }

    public func refresh(_ layout: EncoderLayout, latents: Range<Int>) {}

    public func encode(_ x: Tensor, _ layout: EncoderLayout, _ selections: [LatentSelection]) {
        for t in 0..<x.rowCount {
            let preactivations = (0..<layout.weight.rowCount).map {
                (latent: $0, value: product(x[t], layout.weight[$0], x.rowWidth) + Double(layout.bias.data[$0]))
            }
            for selection in selections {
                let codes = selection.codes
                var kept = preactivations.filter { latent, value in
                    value > selection.floors.map { Double($0.data[latent]) } ?? 0
                }
                if !selection.keepsAll {
                    kept = kept.sorted { ($0.value, $1.latent) > ($1.value, $0.latent) }
                        .prefix(codes.slots).sorted { $0.latent < $1.latent }
                }
                codes.counts[t] = Int32(min(kept.count, codes.slots + 1))
                for (slot, latent) in kept.prefix(codes.slots).enumerated() {
                    codes.indices[t * codes.slots + slot] = Int32(latent.latent)
                    codes.values[t * codes.slots + slot] = Float(latent.value)
                }
            }
        }
    }

    public func decode(_ codes: SparseCodes, decoder: Tensor, into out: Tensor) {
        for t in 0..<out.rowCount {
            for c in 0..<out.rowWidth {
                out[t][c] = Float(codes[t].reduce(0.0) { $0 + Double($1.value) * Double(decoder[$1.latent][c]) })
            }
        }
    }

    public func sumRows(
        of matrix: Tensor, rows: UnsafeBufferPointer<Int32>, weights: UnsafePointer<Float>,
        start: UnsafePointer<Float>?,
        into out: UnsafeMutablePointer<Float>
    ) {
        for c in 0..<matrix.rowWidth {
            let sum = rows.indices.reduce(0.0) { $0 + Double(weights[$1]) * Double(matrix[Int(rows[$1])][c]) }
            out[c] = Float(Double(start?[c] ?? 0) + sum)
        }
    }

    public func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float {
        Float(product(a, b, count))
    }

    public func adam(
        _ weights: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, gradientScale: Float,
        moment1: UnsafeMutablePointer<Float>, moment2: UnsafeMutablePointer<Float>, count: Int, _ step: AdamStep
    ) {
        for i in 0..<count {
            let g = Double(gradient[i]) * Double(gradientScale)
            moment1[i] = Float(Double(step.beta1) * Double(moment1[i]) + (1 - Double(step.beta1)) * g)
            moment2[i] = Float(Double(step.beta2) * Double(moment2[i]) + (1 - Double(step.beta2)) * g * g)
            let mean = Double(moment1[i] * step.correction1)
            let deviation = Double(moment2[i] * step.correction2).squareRoot()
            weights[i] -= Float(Double(step.rate) * mean / (deviation + Double(step.epsilon)))
        }
    }

    private func product(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Double {
        (0..<count).reduce(0.0) { $0 + Double(a[$1]) * Double(b[$1]) }
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
