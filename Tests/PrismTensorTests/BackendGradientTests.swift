import Foundation
import PrismTensor
import Testing

/// Each operation's gradient: the reference's against differences of its own outputs, the processor's against the
/// reference's.
@Suite struct BackendGradientTests {
    let reference = ReferenceBackend()

    /// Σ out ⊙ dOut, whose gradient by what out depends on is what `…Gradient` computes from dOut.
    private func sum(_ out: Tensor, _ dOut: Tensor) -> Double {
        zip(out.values, dOut.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    /// Central differences of a function by each number of a tensor. At h = 2⁻⁷ the third derivative leaves an error of
    /// h² ≈ 6e-5 of it, and fp32 outputs of size one some 2⁻²⁴ √count / h ≈ 5e-5.
    private func expectDifferences(
        _ gradient: Tensor, of input: Tensor, _ label: String, _ value: () -> Double
    ) {
        let h: Float = 0x1p-7
        for i in 0..<input.count {
            let before = input.data[i]
            input.data[i] = before + h
            let above = value()
            input.data[i] = before - h
            let below = value()
            input.data[i] = before
            let slope = Float((above - below) / Double(2 * h))
            guard abs(slope - gradient.data[i]) < 1e-3 * max(1, abs(slope)) else {
                Issue.record("\(label): number \(i) has the gradient \(gradient.data[i]), differences say \(slope)")
                return
            }
        }
    }

    @Test(arguments: [false, true]) func norm(isCentred: Bool) {
        let (x, weight, dy) = (random(3, 11), random(1, 11).reshaped(11), random(33).reshaped(3, 11))
        let bias = isCentred ? random(11) : nil
        var scaleIsConstant = false
        func gradients(_ backend: any Backend) -> [Tensor] {
            let parts = [Tensor(3, 11), Tensor(11), Tensor(11)]
            backend.normGradient(
                x, weight: weight, isCentred: isCentred, epsilon: 1e-3, scaleIsConstant: scaleIsConstant, dy: dy,
                dx: parts[0], dWeight: parts[1], dBias: isCentred ? parts[2] : nil)
            return parts
        }
        func value() -> Double {
            let out = Tensor(3, 11)
            reference.norm(x, weight: weight, bias: bias, isCentred: isCentred, epsilon: 1e-3, into: out)
            return sum(out, dy)
        }
        let expected = gradients(reference)
        expectDifferences(expected[0], of: x, "x", value)
        expectDifferences(expected[1], of: weight, "weight", value)
        if let bias { expectDifferences(expected[2], of: bias, "bias", value) }
        for backend in BackendTests.backends {
            for (found, wanted) in zip(gradients(backend), expected) {
                expectClose(found, wanted, 4e-6, backend.instructionSet)
            }
        }
        // With a constant scale the norm is a linear map: what it makes of dy and of x have the same product with x and dy.
        scaleIsConstant = true
        let linear = gradients(reference)
        let out = Tensor(3, 11)
        reference.norm(x, weight: weight, bias: nil, isCentred: isCentred, epsilon: 1e-3, into: out)
        #expect(abs(sum(linear[0], x) - sum(out, dy)) < 1e-5)
        #expect(linear[1].values == expected[1].values)
        for backend in BackendTests.backends {
            expectClose(gradients(backend)[0], linear[0], 4e-6, backend.instructionSet)
        }
    }

    @Test(arguments: Activation.allCases, [false, true]) func activations(f: Activation, isGated: Bool) {
        // No number within the step of ReLU's corner.
        let gate = Tensor(shape: [2, 19], (0..<38).map { (Float($0) - 18.5) / 4 })
        let (up, dOut) = (isGated ? random(2, 19) : nil, random(38).reshaped(2, 19))
        func gradients(_ backend: any Backend) -> [Tensor] {
            let parts = [Tensor(2, 19)] + (isGated ? [Tensor(2, 19)] : [])
            backend.activateGradient(f, gate, up: up, dOut: dOut, dGate: parts[0], dUp: isGated ? parts[1] : nil)
            return parts
        }
        func value() -> Double {
            let out = Tensor(2, 19)
            reference.activate(f, gate, up: up, into: out)
            return sum(out, dOut)
        }
        let expected = gradients(reference)
        expectDifferences(expected[0], of: gate, "gate", value)
        if let up { expectDifferences(expected[1], of: up, "up", value) }
        for backend in BackendTests.backends {
            for (found, wanted) in zip(gradients(backend), expected) {
                expectClose(found, wanted, 4e-6, backend.instructionSet)
            }
        }
    }

    /// Differences on a short context; the processor against the reference also on ones longer than its blocks of 64.
    @Test func attention() {
        for (rows, heads, groups, headWidth) in [(6, 4, 2, 4), (1, 2, 1, 4), (64, 2, 2, 8), (131, 6, 3, 16)] {
            let queries = random(rows, heads * headWidth)
            let keys = random(rows + 0, heads / groups * headWidth)
            let values = random(rows * heads / groups * headWidth).reshaped(rows, heads / groups * headWidth)
            let dOut = random(rows * heads * headWidth).reshaped(rows, heads * headWidth)
            for form in BackendTests.attentionForms(headWidth) {
                func gradients(_ backend: any Backend) -> [Tensor] {
                    let parts = [queries, keys, values].map { Tensor(shape: $0.shape) }
                    for part in parts { part.fill(7) }
                    backend.attentionGradient(
                        queries: queries, keys: keys, values: values, form, dOut: dOut, dQueries: parts[0],
                        dKeys: parts[1], dValues: parts[2])
                    return parts
                }
                func value() -> Double {
                    let out = Tensor(shape: queries.shape)
                    reference.attention(queries: queries, keys: keys, values: values, form, into: out)
                    return sum(out, dOut)
                }
                let expected = gradients(reference)
                for backend in [reference] + BackendTests.backends as [any Backend] {
                    let alone = Tensor(shape: values.shape)
                    backend.attentionGradient(
                        queries: queries, keys: keys, values: values, form, dOut: dOut, dQueries: nil, dKeys: nil,
                        dValues: alone)
                    #expect(alone.values == gradients(backend)[2].values)
                }
                if rows < 10 {
                    for (gradient, input) in zip(expected, [queries, keys, values]) {
                        expectDifferences(gradient, of: input, "\(form)", value)
                    }
                }
                for backend in BackendTests.backends {
                    for (found, wanted) in zip(gradients(backend), expected) {
                        // Sums of up to 131 terms of size one, rounded to 24 bits.
                        expectClose(found, wanted, 2e-5, "\(backend.instructionSet) \(rows) \(form)")
                    }
                }
            }
        }
    }

    @Test func crossEntropy() {
        for count in [1, 7, 40, 1001] {
            let logits = random(1, count)
            for i in 0..<count { logits.data[i] *= 9 }
            func evaluate(_ backend: any Backend) -> (Float, Tensor) {
                let gradient = Tensor(1, count)
                let loss = backend.crossEntropy(
                    logits.data, count: count, target: count / 2, scale: 0.5, gradient: gradient.data)
                return (loss, gradient)
            }
            let (loss, gradient) = evaluate(reference)
            if count < 100 { expectDifferences(gradient, of: logits, "logits") { 0.5 * Double(evaluate(reference).0) } }
            for backend in BackendTests.backends {
                let found = evaluate(backend)
                #expect(abs(found.0 - loss) < 4e-6 * max(1, loss))
                expectClose(found.1, gradient, 4e-6, backend.instructionSet)
            }
        }
    }

    @Test(arguments: Precision.allCases) func productsGoBackThroughTheTransposedWeight(precision: Precision) {
        for (rows, inputs, outputs) in BackendTests.shapes {
            let (weight, dy) = (random(outputs, inputs), random(rows, outputs))
            for backend in BackendTests.backends {
                func back(_ backend: any Backend) -> Tensor {
                    let dx = Tensor(rows, inputs)
                    backend.linear(dy, backend.transposed(backend.prepare(weight, precision: precision)), into: dx)
                    return dx
                }
                expectClose(back(backend), back(reference), 2e-7 * Float(outputs), backend.instructionSet)
            }
            let x = random(rows, inputs)
            for backend in BackendTests.backends {
                func sum(_ backend: any Backend) -> Tensor {
                    let sum = Tensor(outputs, inputs)
                    sum.fill(1)
                    backend.accumulateProduct(dy, x, into: sum)
                    return sum
                }
                expectClose(sum(backend), sum(reference), 2e-7 * Float(rows + 1), backend.instructionSet)
            }
        }
    }
}
