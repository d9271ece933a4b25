import CPrismKernels
import PrismCore
import Testing

@testable import PrismTensor

/// The loops of toy models against plain ones, for every instruction set that this processor has.
@Suite struct ToyKernelTests {
    static let sets = ["generic", "avx2", "avx512"].filter { CPUBackend(instructionSet: $0) != nil }
    /// Rows, columns of a, columns of b: tiles of every height and width, tails, spans beyond one list of places.
    static let shapes = [(1, 1, 1), (2, 5, 20), (7, 20, 5), (13, 37, 30), (64, 9, 70), (5, 530, 12), (128, 100, 33)]

    /// A matrix padded with zeros to whole vectors, a share of whose numbers is not zero.
    private func matrix(_ rows: Int, _ columns: Int, lanes: Int, share: Float = 1, seed: UInt64) -> Tensor {
        var generator = SeededGenerator(seed: seed, stream: "toy kernels")
        let result = Tensor(rows, (columns + lanes - 1) / lanes * lanes)
        for r in 0..<rows {
            for c in 0..<columns where generator.uniform() < share { result[r][c] = generator.normal() }
        }
        return result
    }

    @Test(arguments: sets) func productsMatchPlainSums(instructionSet: String) throws {
        let kernels = try #require(CPUBackend(instructionSet: instructionSet)).kernels
        let lanes = Int(kernels.toy_lanes())
        for (number, (rows, k, n)) in Self.shapes.enumerated() {
            for share in [Float(1), 0.1, 0] {
                let a = matrix(rows, k, lanes: lanes, share: share, seed: UInt64(number))
                let b = matrix(k, n, lanes: lanes, seed: 100 + UInt64(number))
                let bias = matrix(1, n, lanes: lanes, seed: 200 + UInt64(number))
                let width = b.rowWidth
                for sparse: Int32 in [0, 1] {
                    let out = Tensor(rows, width)
                    out.fill(7)
                    kernels.toy_product(
                        a.data, Int64(a.rowWidth), Int64(rows), Int64(k), b.data, Int64(width), bias.data, sparse,
                        out.data)
                    for t in 0..<rows {
                        for j in 0..<width {
                            var (sum, size) = (Double(bias.data[j]), abs(Double(bias.data[j])))
                            for c in 0..<k {
                                sum += Double(a[t][c]) * Double(b[c][j])
                                size += abs(Double(a[t][c]) * Double(b[c][j]))
                            }
                            // A chain of k roundings, each of half a unit in the last place of what was summed.
                            #expect(abs(Double(out[t][j]) - sum) <= size * Double(k + 2) * 0x1p-24)
                        }
                    }
                }
                // Transposed: every row of b's partner against the same a.
                let partner = matrix(rows, n, lanes: lanes, seed: 300 + UInt64(number))
                for sparse: Int32 in [0, 1] {
                    let out = Tensor(k, width)
                    out.fill(0.5)
                    kernels.toy_accumulate(
                        a.data, Int64(a.rowWidth), Int64(rows), Int64(k), partner.data, Int64(width), sparse, out.data)
                    for c in 0..<k {
                        for j in 0..<width {
                            var (sum, size) = (0.5, 0.5)
                            for t in 0..<rows {
                                sum += Double(a[t][c]) * Double(partner[t][j])
                                size += abs(Double(a[t][c]) * Double(partner[t][j]))
                            }
                            #expect(abs(Double(out[c][j]) - sum) <= size * Double(rows + 2) * 0x1p-24)
                        }
                    }
                }
            }
        }
    }

    /// Eight xoshiro128+ generators, one number at a time.
    @Test(arguments: sets) func drawsFollowTheGenerator(instructionSet: String) throws {
        let kernels = try #require(CPUBackend(instructionSet: instructionSet)).kernels
        var seeds = SeededGenerator(seed: 1, stream: "draws")
        var state = (0..<32).map { _ in UInt32(truncatingIfNeeded: seeds.next()) }
        var twin = state
        let (rows, n, stride) = (9, 20, 32)
        let threshold = (0..<24).map { $0 < n ? Int32($0 * 100_000_000 + 1) : 0 }
        let scale = threshold.map { $0 > 0 ? 1 / Float($0) : 0 }
        let offset = (0..<24).map { $0 < n ? Float($0) / 10 : 0 }
        let out = Tensor(rows, stride)
        let count = kernels.toy_draw(
            &state, Int64(rows), Int64(n), Int64(stride), threshold, scale, offset, out.data)
        var active = 0
        for t in 0..<rows {
            for j in 0..<24 {
                let lane = j % 8
                let s = (0..<4).map { twin[$0 * 8 + lane] }
                let draw = Int32((s[0] &+ s[3]) >> 1)
                var next = s
                next[2] ^= s[0]
                next[3] ^= s[1]
                next[1] ^= next[2]
                next[0] ^= next[3]
                next[2] ^= s[1] << 9
                next[3] = next[3] << 11 | next[3] >> 21
                for i in 0..<4 { twin[i * 8 + lane] = next[i] }
                let isActive = draw < threshold[j]
                active += isActive ? 1 : 0
                let value = isActive ? Float(draw) * scale[j] + offset[j] : 0
                // A product and a sum may be rounded once or twice.
                #expect(abs(out[t][j] - value) <= 2e-7 * max(1, abs(value)))
            }
        }
        #expect(count == Int64(active) && state == twin)
    }

    @Test(arguments: sets, [Int32(0), 1]) func errorsAndTheirGradients(instructionSet: String, rectified: Int32) throws
    {
        let kernels = try #require(CPUBackend(instructionSet: instructionSet)).kernels
        let lanes = Int(kernels.toy_lanes())
        let (rows, n) = (11, 19)
        let before = matrix(rows, n, lanes: lanes, seed: 1)
        let target = matrix(rows, n, lanes: lanes, share: 0.5, seed: 2)
        let importance = matrix(1, n, lanes: lanes, seed: 3)
        for i in 0..<n { importance.data[i] = abs(importance.data[i]) }
        let (out, bias) = (before.copy(), Tensor(before.rowWidth))
        var loss = 1.0
        let count = kernels.toy_error(
            out.data, target.data, importance.data, Int64(rows), Int64(before.rowWidth), rectified, 0.25, bias.data,
            &loss)
        var (expected, nonzero) = (1.0, 0)
        for i in 0..<n {
            var sum = 0.0
            for t in 0..<rows {
                let isPassed = rectified == 0 || before[t][i] > 0
                let error = Double(isPassed ? before[t][i] : 0) - Double(target[t][i])
                let gradient = isPassed ? 2 * 0.25 * Double(importance.data[i]) * error : 0
                expected += Double(importance.data[i]) * error * error
                sum += gradient
                nonzero += gradient != 0 ? 1 : 0
                #expect(abs(Double(out[t][i]) - gradient) < 1e-5)
            }
            #expect(abs(Double(bias.data[i]) - sum) < 1e-5)
        }
        #expect(abs(loss - expected) < 1e-5 * expected && count == Int64(nonzero))
    }
}
