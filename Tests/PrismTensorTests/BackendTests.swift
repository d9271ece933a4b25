import Foundation
import PrismCore
import PrismTensor
import Testing

/// Every instruction set that this processor has, against the reference, on odd shapes.
@Suite struct BackendTests {
    static let backends = ["generic", "avx2", "avx512"].compactMap { CPUBackend(instructionSet: $0) }
    static let shapes = [(1, 1, 1), (3, 7, 5), (6, 16, 16), (13, 31, 33), (97, 65, 130), (2, 257, 17)]
    let reference = ReferenceBackend()

    @Test(arguments: Precision.allCases) func linear(precision: Precision) {
        for (rows, inputs, outputs) in Self.shapes {
            let x = random(rows, inputs)
            let weight = random(outputs, inputs)
            let expected = Tensor(rows, outputs)
            reference.linear(x, reference.prepare(weight, precision: precision), into: expected)
            for backend in Self.backends {
                let out = Tensor(rows, outputs)
                backend.linear(x, backend.prepare(weight, precision: precision), into: out)
                // Sums of `inputs` terms of size one, rounded to 24 bits at each step.
                expectClose(
                    out, expected, 2e-7 * Float(inputs), "\(backend.instructionSet) \(rows) \(inputs) \(outputs)")
            }
        }
    }

    /// A row's sums do not depend on the rows around it: that is what makes batching free of rounding.
    @Test(arguments: Precision.allCases) func linearRowsAreIndependent(precision: Precision) {
        let x = random(29, 70)
        for backend in Self.backends {
            let weight = backend.prepare(random(41, 70), precision: precision)
            let together = Tensor(29, 41)
            backend.linear(x, weight, into: together)
            let alone = Tensor(29, 41)
            for t in 0..<29 { backend.linear(x.rows(t..<t + 1), weight, into: alone.rows(t..<t + 1)) }
            #expect(together.values == alone.values)
        }
    }

    @Test func blocks() {
        for (rows, width) in [(1, 8), (5, 33), (17, 576)] {
            let x = random(rows, width)
            let other = random(rows, width)
            let (weight, bias) = (random(width), random(1, width).reshaped(width))
            for backend in Self.backends {
                for isCentred in [false, true] {
                    compare(rows, width, backend) {
                        $0.norm(
                            x, weight: weight, bias: isCentred ? bias : nil, isCentred: isCentred, epsilon: 1e-5,
                            into: $1)
                    }
                }
                for f in Activation.allCases {
                    compare(rows, width, backend) { $0.activate(f, x, up: other, into: $1) }
                    compare(rows, width, backend) { $0.activate(f, x, up: nil, into: $1) }
                }
                compare(rows, width, backend) {
                    $1.update(from: x)
                    $0.softCap($1, 0.7)
                }
                compare(rows, width, backend) {
                    $1.update(from: x)
                    $0.add(row: bias, toEachOf: $1)
                }
                compare(1, width, backend) {
                    $1.fill(2)
                    $0.add(rowsOf: x, to: $1.reshaped(width))
                }
                compare(rows, width, backend) {
                    $1.data.update(from: x.data, count: x.count)
                    $0.add(other, to: $1)
                }
            }
        }
    }

    @Test(arguments: Activation.allCases) func activationsOfExtremes(f: Activation) {
        let x = Tensor(shape: [1, 9], [-1000, -88, -6, -2, 0, 2, 6, 88, 1000])
        for backend in Self.backends { compare(1, 9, backend) { $0.activate(f, x, up: nil, into: $1) } }
    }

    @Test func rotation() {
        let x = random(9, 48)
        // All of a head of 16, and a part of it.
        for pairs in [8, 3] {
            let frequencies = Tensor(shape: [pairs], (0..<pairs).map { pow(10000, -Float($0) / 8) })
            for backend in Self.backends {
                compare(9, 48, backend) {
                    $1.update(from: x)
                    $0.rotate($1, headWidth: 16, firstPosition: 120, frequencies: frequencies)
                }
            }
        }
    }

    @Test func attention() {
        for (rows, positions, heads, groups, headWidth) in [
            (1, 1, 1, 1, 4), (7, 7, 4, 2, 8), (5, 40, 6, 1, 10), (1, 129, 9, 3, 64), (128, 128, 9, 3, 64),
        ] {
            let queries = random(rows, heads * headWidth)
            let keys = random(positions, heads / groups * headWidth)
            let values = random(positions, heads / groups * headWidth)
            for form in Self.attentionForms(headWidth) {
                for backend in Self.backends {
                    compare(rows, heads * headWidth, backend) {
                        $0.attention(queries: queries, keys: keys, values: values, form, into: $1)
                    }
                }
            }
        }
    }

    /// Plain, and with what some families have: another scale, a soft cap, windows shorter and longer than contexts.
    static func attentionForms(_ headWidth: Int) -> [AttentionForm] {
        [
            AttentionForm(headWidth: headWidth), AttentionForm(headWidth: headWidth, window: 1),
            AttentionForm(headWidth: headWidth, window: 5), AttentionForm(headWidth: headWidth, window: 1000),
            AttentionForm(headWidth: headWidth, scale: 0.9, softCap: 0.5),
            AttentionForm(headWidth: headWidth, scale: 0.9, softCap: 0.5, window: 37),
        ]
    }

    private func compare(_ rows: Int, _ width: Int, _ backend: CPUBackend, _ body: (any Backend, Tensor) -> Void) {
        let (expected, out) = (Tensor(rows, width), Tensor(rows, width))
        body(reference, expected)
        body(backend, out)
        expectClose(out, expected, 4e-6, backend.instructionSet)  // a few units in the last place of values up to 4
    }
}

func random(_ shape: Int...) -> Tensor {
    let tensor = Tensor(shape: shape)
    var generator = SeededGenerator(seed: UInt64(tensor.count), stream: "test")
    for i in 0..<tensor.count { tensor.data[i] = 2 * generator.uniform() - 1 }
    return tensor
}

/// - tolerance: allowed difference relative to max(1, |expected|).
func expectClose(_ out: Tensor, _ expected: Tensor, _ tolerance: Float, _ label: String) {
    for i in 0..<out.count {
        let difference = abs(out.data[i] - expected.data[i])
        if !(difference <= tolerance * max(1, abs(expected.data[i]))) {
            Issue.record("\(label): element \(i) is \(out.data[i]), expected \(expected.data[i])")
            return
        }
    }
}
