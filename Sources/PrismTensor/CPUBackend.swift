import CPrismBLAS
import CPrismKernels
import Foundation

/// The processor's own backend: the C kernels of the best instruction set it has.
public struct CPUBackend: Backend {
    package let kernels: prism_kernels

    /// Ends the program where the environment variable `PRISM_ISA` names an instruction set that the processor lacks.
    public init() {
        guard let best = prism_kernels_best() else {
            fatalError(
                "PRISM_ISA names an instruction set that this processor lacks; unset it or give generic, avx2 or avx512"
            )
        }
        kernels = best.pointee
    }

    /// The kernels of a named instruction set (generic, avx2, avx512); nil where the processor lacks it.
    public init?(instructionSet: String) {
        guard let table = prism_kernels_named(instructionSet) else { return nil }
        kernels = table.pointee
    }

    /// The instruction set in use: generic, avx2 or avx512.
    public var instructionSet: String { String(cString: kernels.name) }

    public func prepare(_ weight: Tensor, precision: Precision) -> LinearWeight {
        let (outputs, inputs) = (weight.rowCount, weight.rowWidth)
        let storage: Tensor
        switch precision {
        case .fp32:
            storage = Tensor(Int(kernels.panel_floats(Int64(outputs), Int64(inputs))))
            kernels.pack_f32(weight.data, Int64(outputs), Int64(inputs), storage.data)
        case .bf16:
            storage = Tensor(Int(kernels.panel_pairs(Int64(outputs), Int64(inputs))))
            storage.withWords { kernels.pack_bf16(weight.data, Int64(outputs), Int64(inputs), $0) }
        }
        return LinearWeight(outputCount: outputs, inputCount: inputs, precision: precision, storage: storage)
    }

    public func linear(_ x: Tensor, _ weight: LinearWeight, into out: Tensor) {
        let (rows, inputs, outputs) = (Int64(x.rowCount), Int64(weight.inputCount), Int64(weight.outputCount))
        precondition(
            x.rowWidth == weight.inputCount && out.rowWidth == weight.outputCount && out.rowCount == x.rowCount)
        switch weight.precision {
        case .fp32: kernels.gemm_f32(x.data, rows, inputs, weight.storage.data, outputs, out.data)
        case .bf16:
            let wordCount = x.rowCount * Int(kernels.bf16_words(inputs))
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: wordCount) { words in
                kernels.round_bf16(x.data, rows, inputs, words.baseAddress)
                weight.storage.withWords { kernels.gemm_bf16(words.baseAddress, rows, inputs, $0, outputs, out.data) }
            }
        }
    }

    /// The BLAS library's threads would be threads within threads, and how it splits a product among them would show in the
    /// last bits.
    static let singleThreadedBLAS: Void = openblas_set_num_threads(1)

    public func multiply(_ a: Tensor, by b: Tensor, transposed: Bool, into out: Tensor) {
        let (m, n, k) = (a.rowCount, out.rowWidth, a.rowWidth)
        precondition(out.rowCount == m && b.rowCount == (transposed ? n : k) && b.rowWidth == (transposed ? k : n))
        _ = Self.singleThreadedBLAS
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans, Int32(m), Int32(n), Int32(k), 1,
            a.data,
            Int32(max(1, k)), b.data, Int32(max(1, b.rowWidth)), 0, out.data, Int32(max(1, n)))
    }

    public func norm(_ x: Tensor, weight: Tensor, bias: Tensor?, isCentred: Bool, epsilon: Float, into out: Tensor) {
        precondition(weight.count == x.rowWidth && out.count == x.count)
        kernels.norm(
            x.data, Int64(x.rowCount), Int64(x.rowWidth), weight.data, bias?.data, isCentred ? 1 : 0, epsilon, out.data)
    }

    public func rotate(_ x: Tensor, headWidth: Int, firstPosition: Int, frequencies: Tensor) {
        let half = frequencies.count
        precondition(2 * half <= headWidth && x.rowWidth % headWidth == 0)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * x.rowCount * half) { table in
            for t in 0..<x.rowCount {
                for i in 0..<half {
                    let angle = Float(firstPosition + t) * frequencies.data[i]
                    table[t * half + i] = cos(angle)
                    table[(x.rowCount + t) * half + i] = sin(angle)
                }
            }
            let cosines = table.baseAddress!
            kernels.rotate(
                x.data, Int64(x.rowCount), Int64(x.rowWidth), Int64(headWidth), Int64(2 * half), cosines,
                cosines + x.rowCount * half)
        }
    }

    public func attention(queries: Tensor, keys: Tensor, values: Tensor, _ form: AttentionForm, into out: Tensor) {
        let headWidth = form.headWidth
        precondition(queries.rowCount <= keys.rowCount && keys.shape == values.shape && out.count == queries.count)
        precondition(queries.rowWidth % keys.rowWidth == 0 && keys.rowWidth % headWidth == 0)
        let (rows, positions) = (Int64(queries.rowCount), Int64(keys.rowCount))
        let scratchCount = Int(kernels.attention_floats(rows, positions, Int64(headWidth)))
        withUnsafeTemporaryAllocation(of: Float.self, capacity: scratchCount) { scratch in
            kernels.attention(
                queries.data, rows, Int64(queries.rowWidth / headWidth), keys.data, values.data, positions,
                Int64(keys.rowWidth / headWidth), Int64(headWidth), form.scale, form.softCap ?? 0,
                Int64(form.window ?? 0), out.data, scratch.baseAddress)
        }
    }

    public func activate(_ f: Activation, _ gate: Tensor, up: Tensor?, into out: Tensor) {
        precondition(up.map { $0.count == gate.count } ?? true && out.count == gate.count)
        kernels.activate(f.kernelKind, gate.data, up?.data, Int64(gate.count), out.data)
    }

    public func softCap(_ x: Tensor, _ cap: Float) { kernels.soft_cap(x.data, Int64(x.count), cap) }

    public func add(_ x: Tensor, to target: Tensor) {
        precondition(x.count == target.count)
        kernels.add(x.data, Int64(x.count), target.data)
    }

    public func add(row: Tensor, toEachOf target: Tensor) {
        let width = row.count
        precondition(target.rowWidth == width)
        for t in 0..<target.rowCount { kernels.add(row.data, Int64(width), target.data + t * width) }
    }

    public func add(rowsOf x: Tensor, to sum: Tensor) {
        let width = sum.count
        precondition(x.rowWidth == width)
        for t in 0..<x.rowCount { kernels.add(x.data + t * width, Int64(width), sum.data) }
    }
}

extension Activation {
    var kernelKind: Int32 {
        switch self {
        case .relu: PRISM_RELU
        case .silu: PRISM_SILU
        case .gelu: PRISM_GELU
        case .geluTanh: PRISM_GELU_TANH
        }
    }
}
