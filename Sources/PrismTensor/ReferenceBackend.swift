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

    public func transposed(_ weight: LinearWeight) -> LinearWeight {
        let storage = Tensor(weight.inputCount, weight.outputCount)
        for n in 0..<weight.outputCount { for k in 0..<weight.inputCount { storage[k][n] = weight.storage[n][k] } }
        return prepare(storage, precision: .fp32)
    }

    public func accumulateProduct(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        for m in 0..<a.rowWidth {
            for n in 0..<b.rowWidth {
                out[m][n] += Float((0..<a.rowCount).reduce(0.0) { $0 + Double(a[$1][m]) * Double(b[$1][n]) })
            }
        }
    }

    /// The normalised row, before the weight, and what divided it.
    private func normalised(_ x: UnsafePointer<Float>, _ width: Int, _ isCentred: Bool, _ epsilon: Float)
        -> (values: [Double], scale: Double)
    {
        var values = (0..<width).map { Double(x[$0]) }
        let mean = isCentred ? values.reduce(0, +) / Double(width) : 0
        values = values.map { $0 - mean }
        let scale = 1 / (values.reduce(0) { $0 + $1 * $1 } / Double(width) + Double(epsilon)).squareRoot()
        return (values.map { $0 * scale }, scale)
    }

    public func norm(_ x: Tensor, weight: Tensor, bias: Tensor?, isCentred: Bool, epsilon: Float, into out: Tensor) {
        for t in 0..<x.rowCount {
            let row = normalised(x[t], x.rowWidth, isCentred, epsilon).values
            for i in 0..<x.rowWidth { out[t][i] = Float(row[i] * Double(weight.data[i]) + Double(bias?.data[i] ?? 0)) }
        }
    }

    public func normGradient(
        _ x: Tensor, weight: Tensor, isCentred: Bool, epsilon: Float, scaleIsConstant: Bool, dy: Tensor, dx: Tensor,
        dWeight: Tensor?, dBias: Tensor?
    ) {
        let width = Double(x.rowWidth)
        for t in 0..<x.rowCount {
            let (row, scale) = normalised(x[t], x.rowWidth, isCentred, epsilon)
            let g = row.indices.map { Double(dy[t][$0]) * Double(weight.data[$0]) }
            let shift = isCentred ? g.reduce(0, +) / width : 0
            let pull = scaleIsConstant ? 0 : zip(g, row).reduce(0) { $0 + $1.0 * $1.1 } / width
            for i in row.indices {
                dx[t][i] += Float(scale * (g[i] - shift - row[i] * pull))
                dWeight?.data[i] += Float(Double(dy[t][i]) * row[i])
                dBias?.data[i] += dy[t][i]
            }
        }
    }

    public func rotate(_ x: Tensor, headWidth: Int, firstPosition: Int, frequencies: Tensor) {
        let half = frequencies.count
        for t in 0..<x.rowCount {
            for head in stride(from: 0, to: x.rowWidth, by: headWidth) {
                for i in 0..<half {
                    let angle = Double(Float(firstPosition + t) * frequencies.data[i])
                    let (a, b) = (Double(x[t][head + i]), Double(x[t][head + i + half]))
                    x[t][head + i] = Float(a * cos(angle) - b * sin(angle))
                    x[t][head + i + half] = Float(b * cos(angle) + a * sin(angle))
                }
            }
        }
    }

    /// One query's weights over all positions it sees, and the slope of the soft cap at each.
    private func attentionWeights(
        _ query: UnsafePointer<Float>, _ keys: Tensor, _ column: Int, position: Int, _ form: AttentionForm
    ) -> [(position: Int, weight: Double, slope: Double)] {
        let seen = Array((form.window.map { max(0, position + 1 - $0) } ?? 0)...position)
        let raw = seen.map { product(query, keys[$0] + column, form.headWidth) * Double(form.scale) }
        let capped = raw.map { s in form.softCap.map { Double($0) * tanh(s / Double($0)) } ?? s }
        let exponentials = capped.map { exp($0 - capped.max()!) }
        let total = exponentials.reduce(0, +)
        return seen.indices.map { i in
            (seen[i], exponentials[i] / total, form.softCap.map { 1 - pow(capped[i] / Double($0), 2) } ?? 1)
        }
    }

    public func attention(queries: Tensor, keys: Tensor, values: Tensor, _ form: AttentionForm, into out: Tensor) {
        let past = keys.rowCount - queries.rowCount
        let (headWidth, group) = (form.headWidth, queries.rowWidth / keys.rowWidth)
        for t in 0..<queries.rowCount {
            for head in 0..<queries.rowWidth / headWidth {
                let (own, shared) = (head * headWidth, head / group * headWidth)
                let weights = attentionWeights(queries[t] + own, keys, shared, position: past + t, form)
                for i in 0..<headWidth {
                    out[t][own + i] = Float(
                        weights.reduce(0.0) { $0 + $1.weight * Double(values[$1.position][shared + i]) })
                }
            }
        }
    }

    public func attentionGradient(
        queries: Tensor, keys: Tensor, values: Tensor, _ form: AttentionForm, dOut: Tensor, dQueries: Tensor?,
        dKeys: Tensor?, dValues: Tensor
    ) {
        let (headWidth, group) = (form.headWidth, queries.rowWidth / keys.rowWidth)
        for gradient in [dQueries, dKeys, dValues] { gradient?.fill(0) }
        for t in 0..<queries.rowCount {
            for head in 0..<queries.rowWidth / headWidth {
                let (own, shared) = (head * headWidth, head / group * headWidth)
                let weights = attentionWeights(queries[t] + own, keys, shared, position: t, form)
                let pulls = weights.map { product(dOut[t] + own, values[$0.position] + shared, headWidth) }
                let mean = zip(weights, pulls).reduce(0) { $0 + $1.0.weight * $1.1 }
                for ((position, weight, slope), pull) in zip(weights, pulls) {
                    let d = weight * (pull - mean) * slope * Double(form.scale)
                    for i in 0..<headWidth {
                        dQueries?[t][own + i] += Float(d * Double(keys[position][shared + i]))
                        dKeys?[position][shared + i] += Float(d * Double(queries[t][own + i]))
                        dValues[position][shared + i] += Float(weight * Double(dOut[t][own + i]))
                    }
                }
            }
        }
    }

    /// f(x) and f′(x).
    private func activation(_ f: Activation, _ value: Float) -> (value: Double, slope: Double) {
        let x = Double(value)
        switch f {
        case .relu: return (max(x, 0), x > 0 ? 1 : 0)
        case .silu:
            let s = 1 / (1 + exp(-x))
            return (x * s, s + x * s * (1 - s))
        case .gelu:
            let below = 0.5 * erfc(-x / 2.0.squareRoot())
            return (x * below, below + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot())
        case .geluTanh:
            let factor = 2 * (2 / Double.pi).squareRoot()
            let s = 1 / (1 + exp(-factor * (x + 0.044715 * x * x * x)))
            return (x * s, s + x * s * (1 - s) * factor * (1 + 3 * 0.044715 * x * x))
        }
    }

    public func activate(_ f: Activation, _ gate: Tensor, up: Tensor?, into out: Tensor) {
        for i in 0..<gate.count {
            out.data[i] = Float(activation(f, gate.data[i]).value * Double(up?.data[i] ?? 1))
        }
    }

    public func activateGradient(
        _ f: Activation, _ gate: Tensor, up: Tensor?, dOut: Tensor, dGate: Tensor, dUp: Tensor?
    ) {
        for i in 0..<gate.count {
            let (value, slope) = activation(f, gate.data[i])
            dGate.data[i] = Float(Double(dOut.data[i]) * Double(up?.data[i] ?? 1) * slope)
            dUp?.data[i] = Float(Double(dOut.data[i]) * value)
        }
    }

    public func softCap(_ x: Tensor, _ cap: Float) {
        for i in 0..<x.count { x.data[i] = Float(Double(cap) * tanh(Double(x.data[i]) / Double(cap))) }
    }

    public func crossEntropy(
        _ logits: UnsafePointer<Float>, count: Int, target: Int, scale: Float, gradient: UnsafeMutablePointer<Float>
    ) -> Float {
        let top = Double((0..<count).map { logits[$0] }.max()!)
        let total = (0..<count).reduce(0.0) { $0 + exp(Double(logits[$1]) - top) }
        for i in 0..<count {
            let p = exp(Double(logits[i]) - top) / total
            gradient[i] = Float(Double(scale) * (p - (i == target ? 1 : 0)))
        }
        return Float(log(total) + top - Double(logits[target]))
    }

    public func add(_ x: Tensor, to target: Tensor) {
        for i in 0..<x.count { target.data[i] += x.data[i] }
    }

    public func add(row: Tensor, toEachOf target: Tensor) {
        for t in 0..<target.rowCount { for i in 0..<row.count { target[t][i] += row.data[i] } }
    }

    public func add(rowsOf x: Tensor, to sum: Tensor) {
        for t in 0..<x.rowCount { for i in 0..<sum.count { sum.data[i] += x[t][i] } }
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
