import CPrismBLAS
import CPrismKernels

extension CPUBackend {
    public func transposed(_ weight: LinearWeight) -> LinearWeight {
        let (n, k, panelWidth) = (weight.outputCount, weight.inputCount, Int(kernels.panel_width))
        let transposed = Tensor(k, n)
        // Panels hold all inputs' lines, a line the weights of panelWidth outputs; in bf16 two inputs share a word.
        weight.storage.withWords { words in
            for first in stride(from: 0, to: n, by: panelWidth) {
                let lines = weight.precision == .fp32 ? k : (k + 1) / 2
                let panel = words + first / panelWidth * panelWidth * lines
                for input in 0..<k {
                    let out = transposed[input] + first
                    for j in 0..<min(panelWidth, n - first) {
                        switch weight.precision {
                        case .fp32: out[j] = Float(bitPattern: panel[input * panelWidth + j])
                        case .bf16:
                            let word = panel[input / 2 * panelWidth + j]
                            out[j] = Float(bitPattern: input % 2 == 0 ? word << 16 : word & 0xffff_0000)
                        }
                    }
                }
            }
        }
        return prepare(transposed, precision: .fp32)
    }

    public func accumulateProduct(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        precondition(a.rowCount == b.rowCount && out.rowCount == a.rowWidth && out.rowWidth == b.rowWidth)
        _ = Self.singleThreadedBLAS
        multiply(
            .transposed(a.data, a.rowWidth), .plain(b.data, b.rowWidth), into: out.data, out.rowWidth,
            m: a.rowWidth, n: b.rowWidth, k: a.rowCount, adding: true)
    }

    public func normGradient(
        _ x: Tensor, weight: Tensor, isCentred: Bool, epsilon: Float, scaleIsConstant: Bool, dy: Tensor, dx: Tensor,
        dWeight: Tensor?, dBias: Tensor?
    ) {
        precondition(dy.count == x.count && dx.count == x.count && weight.count == x.rowWidth)
        kernels.norm_gradient(
            x.data, Int64(x.rowCount), Int64(x.rowWidth), weight.data, isCentred ? 1 : 0, epsilon,
            scaleIsConstant ? 1 : 0, dy.data, dx.data, dWeight?.data, dBias?.data)
    }

    public func activateGradient(
        _ f: Activation, _ gate: Tensor, up: Tensor?, dOut: Tensor, dGate: Tensor, dUp: Tensor?
    ) {
        precondition(dOut.count == gate.count && dGate.count == gate.count && (up == nil) == (dUp == nil))
        kernels.activate_gradient(
            f.kernelKind, gate.data, up?.data, dOut.data, Int64(gate.count), dGate.data, dUp?.data)
    }

    public func crossEntropy(
        _ logits: UnsafePointer<Float>, count: Int, target: Int, scale: Float, gradient: UnsafeMutablePointer<Float>
    ) -> Float {
        precondition((0..<count).contains(target))
        return kernels.cross_entropy(logits, Int64(count), Int64(target), scale, gradient)
    }

    /// Head by head and 64 queries at a time, whose keys end with the last of them: with P the weights and S the products,
    /// dV += Pᵀ dO, dP = dO Vᵀ, dS as `attention_rows_gradient` says, dQ = dS K, dK += dSᵀ Q. P is computed anew.
    public func attentionGradient(
        queries: Tensor, keys: Tensor, values: Tensor, _ form: AttentionForm, dOut: Tensor, dQueries: Tensor?,
        dKeys: Tensor?, dValues: Tensor
    ) {
        precondition(queries.rowCount == keys.rowCount && dOut.count == queries.count && dValues.count == keys.count)
        _ = Self.singleThreadedBLAS
        let (rows, headWidth, blockRows) = (queries.rowCount, form.headWidth, 64)
        let (wide, narrow, group) = (queries.rowWidth, keys.rowWidth, queries.rowWidth / keys.rowWidth)
        let lanes = Int(PRISM_ROW_LANES)
        let longest = (rows + lanes - 1) / lanes * lanes
        dKeys?.fill(0)
        dValues.fill(0)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * blockRows * longest) { scratch in
            let (weights, raw) = (scratch.baseAddress!, scratch.baseAddress! + blockRows * longest)
            let slopes = raw + blockRows * longest
            for head in 0..<wide / headWidth {
                let (own, shared) = (head * headWidth, head / group * headWidth)
                for first in stride(from: 0, to: rows, by: blockRows) {
                    let count = min(blockRows, rows - first)
                    // Keys behind the block's last query are seen by none, those before its first one's window by none too.
                    let start = form.window.map { max(0, first + 1 - $0) / lanes * lanes } ?? 0
                    let seen = first + count - start
                    let padded = (seen + lanes - 1) / lanes * lanes
                    let query = Factor.plain(queries[first] + own, wide)
                    let out = Factor.plain(dOut[first] + own, wide)
                    weights.update(repeating: 0, count: count * padded)
                    slopes.update(repeating: 0, count: count * padded)
                    multiply(
                        query, .transposed(keys[start] + shared, narrow), into: weights, padded, m: count, n: seen,
                        k: headWidth)
                    if form.softCap != nil { raw.update(from: weights, count: count * padded) }
                    kernels.attention_rows(
                        weights, Int64(count), Int64(padded), Int64(first - start), form.scale, form.softCap ?? 0,
                        Int64(form.window ?? 0))
                    multiply(
                        .transposed(weights, padded), out, into: dValues[start] + shared, narrow, m: seen,
                        n: headWidth, k: count, adding: true)
                    guard let dQueries, let dKeys else { continue }
                    multiply(
                        out, .transposed(values[start] + shared, narrow), into: slopes, padded, m: count, n: seen,
                        k: headWidth)
                    kernels.attention_rows_gradient(
                        weights, raw, slopes, Int64(count), Int64(padded), form.scale, form.softCap ?? 0)
                    multiply(
                        .plain(slopes, padded), .plain(keys[start] + shared, narrow), into: dQueries[first] + own,
                        wide, m: count, n: headWidth, k: seen)
                    multiply(
                        .transposed(slopes, padded), query, into: dKeys[start] + shared, narrow, m: seen,
                        n: headWidth, k: count, adding: true)
                }
            }
        }
    }

    /// A matrix inside another one, or its transpose; rows lie `stride` numbers apart.
    private enum Factor {
        case plain(UnsafeMutablePointer<Float>, _ stride: Int)
        case transposed(UnsafeMutablePointer<Float>, _ stride: Int)
    }

    /// out = a · b, or out += a · b, with out [m, n].
    private func multiply(
        _ a: Factor, _ b: Factor, into out: UnsafeMutablePointer<Float>, _ stride: Int, m: Int, n: Int, k: Int,
        adding: Bool = false
    ) {
        func parts(_ factor: Factor) -> (CBLAS_TRANSPOSE, UnsafeMutablePointer<Float>, Int32) {
            switch factor {
            case .plain(let data, let stride): (CblasNoTrans, data, Int32(stride))
            case .transposed(let data, let stride): (CblasTrans, data, Int32(stride))
            }
        }
        let ((aTransposed, aData, aStride), (bTransposed, bData, bStride)) = (parts(a), parts(b))
        cblas_sgemm(
            CblasRowMajor, aTransposed, bTransposed, Int32(m), Int32(n), Int32(k), 1, aData, aStride, bData, bStride,
            adding ? 1 : 0, out, Int32(stride))
    }
}
