import CPrismKernels

extension CPUBackend {
    public func prepare(encoder weight: Tensor, bias: Tensor, precision: Precision) -> EncoderLayout {
        let (latents, width) = (weight.rowCount, weight.rowWidth)
        precondition(bias.count == latents)
        let bits: Int64 = precision == .fp32 ? 16 : 8
        let panelWidth = Int(kernels.panel_width)
        let padded = (latents + panelWidth - 1) / panelWidth * panelWidth
        let layout = EncoderLayout(
            weight: weight, bias: bias, precision: precision, panelWidth: panelWidth,
            panels: Tensor(Int(kernels.encoder_lanes(Int64(latents), Int64(width), bits))), bounds: Tensor(5, padded))
        layout.bounds.rows(BoundRow.bias..<BoundRow.bias + 1).fill(-.infinity)
        refresh(layout, latents: 0..<latents)
        return layout
    }

    /// Rows of `EncoderLayout.bounds`, as `prism_encoder` names them.
    private enum BoundRow { static let (scale, offset, error, norm, bias) = (0, 1, 2, 3, 4) }

    public func refresh(_ layout: EncoderLayout, latents: Range<Int>) {
        let (bits, width) = (layout.bits, Int64(layout.weight.rowWidth))
        precondition(latents.lowerBound % layout.panelWidth == 0)
        let lanes = Int(kernels.encoder_lanes(1, width, bits))
        let bounds = layout.bounds
        layout.panels.withWords { panels in
            for first in stride(from: latents.lowerBound, to: latents.upperBound, by: layout.panelWidth) {
                let count = min(layout.panelWidth, layout.weight.rowCount - first)
                (bounds[BoundRow.bias] + first).update(from: layout.bias.data + first, count: count)
                kernels.pack_encoder(
                    layout.weight[first], Int64(count), width, bits,
                    UnsafeMutableRawPointer(panels + first / layout.panelWidth * lanes).assumingMemoryBound(
                        to: Int32.self),
                    bounds[BoundRow.scale] + first, bounds[BoundRow.offset] + first, bounds[BoundRow.error] + first,
                    bounds[BoundRow.norm] + first)
            }
        }
    }

    public func encode(_ x: Tensor, _ layout: EncoderLayout, _ selections: [LatentSelection]) {
        precondition(
            x.rowWidth == layout.weight.rowWidth && (1...Int(PRISM_ENCODE_SELECTIONS)).contains(selections.count))
        for selection in selections {
            precondition(selection.codes.slots > 0 && selection.codes.rowCount == x.rowCount)
            precondition(selection.floors.map { $0.count == layout.paddedCount } ?? !selection.keepsAll)
        }
        let (width, bounds, blockRows) = (Int64(x.rowWidth), layout.bounds, Int(PRISM_ENCODE_ROWS))
        func wanted(from row: Int) -> [prism_selection] {
            selections.map { selection in
                let (codes, first) = (selection.codes, row * selection.codes.slots)
                return prism_selection(
                    k: Int64(codes.slots), keeps_all: selection.keepsAll ? 1 : 0,
                    floor: selection.floors.map { UnsafePointer($0.data) }, counts: codes.counts + row,
                    indices: codes.indices + first, values: codes.values + first)
            }
        }
        let count = Int64(selections.count)
        let scratchBytes = Int(
            kernels.encode_scratch_bytes(Int64(min(blockRows, x.rowCount)), width, wanted(from: 0), count))
        layout.panels.withWords { panels in
            var encoder = prism_encoder(
                latent_count: Int64(layout.weight.rowCount), width: width, bits: layout.bits,
                weight: layout.weight.data, bias: bounds[BoundRow.bias],
                panels: UnsafeRawPointer(panels).assumingMemoryBound(to: Int32.self), scale: bounds[BoundRow.scale],
                offset: bounds[BoundRow.offset], error: bounds[BoundRow.error], norm: bounds[BoundRow.norm])
            withUnsafeTemporaryAllocation(byteCount: scratchBytes, alignment: 64) { scratch in
                for first in stride(from: 0, to: x.rowCount, by: blockRows) {
                    kernels.encode(
                        &encoder, x[first], Int64(min(blockRows, x.rowCount - first)), wanted(from: first), count,
                        scratch.baseAddress)
                }
            }
        }
    }

    public func decode(_ codes: SparseCodes, decoder: Tensor, into out: Tensor) {
        precondition(decoder.rowWidth == out.rowWidth && codes.rowCount == out.rowCount)
        // Where most decoder rows are wanted more than once, some are taken at a time, for as long as the cache holds them.
        let isDense = codes.slots * codes.rowCount > decoder.rowCount
        let stretch = isDense ? 128 : max(1, decoder.rowCount)
        var next = [Int](repeating: 0, count: codes.rowCount)
        for first in stride(from: 0, to: max(1, decoder.rowCount), by: stretch) {
            for t in 0..<out.rowCount {
                let (active, all) = (t * codes.slots + next[t], Int(codes.counts[t]) - next[t])
                var count = all
                if isDense { count = (0..<all).prefix { Int(codes.indices[active + $0]) < first + stretch }.count }
                if count > 0 || first == 0 {
                    kernels.weighted_rows(
                        decoder.data, Int64(decoder.rowWidth), codes.indices + active, codes.values + active,
                        Int64(count),
                        first == 0 ? nil : UnsafePointer(out[t]), out[t])
                }
                next[t] += count
            }
        }
    }

    public func sumRows(
        of matrix: Tensor, rows: UnsafeBufferPointer<Int32>, weights: UnsafePointer<Float>,
        start: UnsafePointer<Float>?,
        into out: UnsafeMutablePointer<Float>
    ) {
        kernels.weighted_rows(
            matrix.data, Int64(matrix.rowWidth), rows.baseAddress, weights, Int64(rows.count), start, out)
    }

    public func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float {
        kernels.dot(a, b, Int64(count))
    }

    public func adam(
        _ weights: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, gradientScale: Float,
        moment1: UnsafeMutablePointer<Float>, moment2: UnsafeMutablePointer<Float>, count: Int, _ step: AdamStep
    ) {
        kernels.adam(
            weights, gradient, moment1, moment2, Int64(count), gradientScale, step.rate, step.beta1, step.beta2,
            step.correction1, step.correction2, step.epsilon)
    }
}

extension EncoderLayout {
    /// Bits of the integers that products are screened in.
    fileprivate var bits: Int64 { precision == .fp32 ? 16 : 8 }
}
