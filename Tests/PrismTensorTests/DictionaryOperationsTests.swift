import Foundation
import PrismCore
import PrismTensor
import Testing

/// The operations on codes and gradients in every instruction set, against the reference.
@Suite struct DictionaryOperationsTests {
    static let backends = BackendTests.backends
    /// Around each stripe and vector length that a kernel has (4, 8, 16 lanes; 4 and 8 vectors), and primes.
    static let widths = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 257, 576, 1009]
    let reference = ReferenceBackend()

    @Test func decodingAndItsProducts() {
        for width in Self.widths {
            let (rows, latents, slots) = (7, 19, 6)
            let decoder = random(latents, width)
            let codes = SparseCodes(rowCount: rows, slots: slots)
            for t in 0..<rows {
                codes.counts[t] = Int32(min(t, slots))  // an empty row, a full one
                for slot in 0..<slots {
                    codes.indices[t * slots + slot] = Int32(3 * slot + t % 3)
                    codes.values[t * slots + slot] = Float(slot) - 2.5
                }
            }
            for backend in Self.backends {
                // Six terms of sizes up to 2.5, rounded to 24 bits at each step.
                compare(rows, width, 2e-6, backend) { $0.decode(codes, decoder: decoder, into: $1) }
            }
        }
    }

    @Test func noRowsAreNoWork() {
        let codes = SparseCodes(rowCount: 0, slots: 3)
        for backend in Self.backends {
            backend.decode(codes, decoder: random(5, 9), into: Tensor(0, 9))
        }
    }

    @Test func sumsOfRows() {
        for width in Self.widths {
            for count in [0, 1, 2, 17, 100] {
                let (matrix, weights, start) = (random(23, width), random(max(count, 1)), random(width))
                let rows = (0..<count).map { Int32($0 * 5 % 23) }
                rows.withUnsafeBufferPointer { rows in
                    for backend in Self.backends {
                        // `count` terms below one and a start, rounded to 24 bits at each step.
                        let tolerance = 1.2e-7 * Float(count + 1)
                        compare(1, width, tolerance, backend) {
                            $0.sumRows(of: matrix, rows: rows, weights: weights.data, start: nil, into: $1.data)
                        }
                        compare(1, width, tolerance, backend) {
                            $0.sumRows(of: matrix, rows: rows, weights: weights.data, start: start.data, into: $1.data)
                        }
                        // Start and result may be the same memory.
                        compare(1, width, tolerance, backend) {
                            $1.data.update(from: start.data, count: width)
                            $0.sumRows(of: matrix, rows: rows, weights: weights.data, start: $1.data, into: $1.data)
                        }
                    }
                }
            }
        }
    }

    @Test func dotProducts() {
        for width in [0] + Self.widths {
            let (a, b) = (random(width + 1), random(width + 1))
            for backend in Self.backends {
                // At an address that is no multiple of a vector, as rows of odd widths are.
                compare(1, 1, 2e-7 * Float(width), backend) {
                    $1.data[0] = $0.dot(a.data + 1, b.data + 1, count: width)
                }
            }
        }
    }

    /// Ten steps of Adam, the last ones with bias corrections near one.
    @Test func adamSteps() {
        for width in Self.widths {
            let gradients = random(10, width)
            let first = random(width)
            for backend in Self.backends {
                compare(3, width, 2e-6, backend) {
                    let (weights, moment1, moment2) = ($1[0], $1[1], $1[2])
                    weights.update(from: first.data, count: width)
                    for step in 1...10 {
                        $0.adam(
                            weights, gradient: gradients[step - 1], gradientScale: 0.7, moment1: moment1,
                            moment2: moment2,
                            count: width, AdamStep(step: step * step * step, rate: 0.01))
                    }
                }
            }
        }
    }

    /// A weight that never had a gradient stays where it is, to the bit.
    @Test func adamLeavesSilentWeightsAlone() {
        let zero = Tensor(9)
        for backend in Self.backends {
            let (weights, moment1, moment2) = (random(9), Tensor(9), Tensor(9))
            backend.adam(
                weights.data, gradient: zero.data, gradientScale: 1, moment1: moment1.data, moment2: moment2.data,
                count: 9,
                AdamStep(step: 1, rate: 0.1))
            #expect(weights.values == random(9).values)
        }
    }

    private func compare(
        _ rows: Int, _ width: Int, _ tolerance: Float, _ backend: CPUBackend, _ body: (any Backend, Tensor) -> Void
    ) {
        // A guard behind the result shows a write beyond its end.
        let memory = (Tensor(rows + 1, width), Tensor(rows + 1, width))
        let (expected, out) = (memory.0.rows(0..<rows), memory.1.rows(0..<rows))
        memory.1.rows(rows..<rows + 1).fill(42)
        body(reference, expected)
        body(backend, out)
        for i in 0..<out.count where !(abs(out.data[i] - expected.data[i]) <= tolerance * max(1, abs(expected.data[i])))
        {
            Issue.record(
                "\(backend.instructionSet), width \(width): \(out.data[i]) at \(i), expected \(expected.data[i])")
            return
        }
        #expect(memory.1.rows(rows..<rows + 1).values.allSatisfy { $0 == 42 })
    }
}
