import PrismCore
import PrismModels
import PrismTensor
import Synchronization
import Testing

/// A pass computes what the request needs and no more.
@Suite struct ForwardCostTests {
    /// Products before and including a hook point: q, k, v, o, gate, up, down.
    @Test(arguments: [
        (HookPoint.embedding, 0, 0, 0), (.residualPre(layer: 1), 7, 1, 2), (.attentionOut(layer: 1), 11, 2, 3),
        (.residualMid(layer: 1), 11, 2, 3), (.mlpIn(layer: 1), 11, 2, 4), (.neurons(layer: 1), 13, 2, 4),
        (.mlpOut(layer: 1), 14, 2, 4), (.residualPost(layer: 1), 14, 2, 4), (.finalNorm, 21, 3, 7),
    ])
    func thePassEndsAtTheDeepestHookPoint(hook: HookPoint, linears: Int, attentions: Int, norms: Int) throws {
        let backend = CountingBackend()
        let model = try Tiny.model(backend: backend)
        for capture in [[hook], [hook, .embedding]] where capture.count == Set(capture).count {
            backend.reset()
            _ = try model.run(ForwardRequest(contexts: [[1, 2, 3]], capture: capture))
            #expect(backend.linears == linears && backend.attentions == attentions && backend.norms == norms)
        }
    }

    @Test func aPassFromAResidualStreamPaysOnlyForTheRest() throws {
        let backend = CountingBackend()
        let model = try Tiny.model(backend: backend)
        let prefix = try model.run(
            ForwardRequest(contexts: Tiny.contexts, capture: [.residualPost(layer: 1), .residualMid(layer: 2)]))
        backend.reset()
        var request = ForwardRequest(contexts: Tiny.contexts, capture: [.finalNorm])
        request.start = .init(at: .residualPost(layer: 1), prefix[.residualPost(layer: 1)])
        _ = try model.run(request)
        #expect(backend.linears == 7)
        backend.reset()
        request.start = .init(at: .residualMid(layer: 2), prefix[.residualMid(layer: 2)])
        _ = try model.run(request)
        #expect(backend.linears == 3 && backend.attentions == 0)
    }
}

/// The reference, with a count of the calls that cost something.
final class CountingBackend: Backend {
    private let counts = Mutex<[String: Int]>([:])
    private let reference = ReferenceBackend()

    var linears: Int { counts.withLock { $0["linear"] ?? 0 } }
    var attentions: Int { counts.withLock { $0["attention"] ?? 0 } }
    var norms: Int { counts.withLock { $0["norm"] ?? 0 } }
    func reset() { counts.withLock { $0 = [:] } }
    private func count(_ name: String) { counts.withLock { $0[name, default: 0] += 1 } }

    func prepare(_ weight: Tensor, precision: Precision) -> LinearWeight {
        reference.prepare(weight, precision: precision)
    }
    func linear(_ x: Tensor, _ weight: LinearWeight, into out: Tensor) {
        count("linear")
        reference.linear(x, weight, into: out)
    }
    func norm(_ x: Tensor, weight: Tensor, bias: Tensor?, isCentred: Bool, epsilon: Float, into out: Tensor) {
        count("norm")
        reference.norm(x, weight: weight, bias: bias, isCentred: isCentred, epsilon: epsilon, into: out)
    }
    func rotate(_ x: Tensor, headWidth: Int, firstPosition: Int, frequencies: Tensor) {
        reference.rotate(x, headWidth: headWidth, firstPosition: firstPosition, frequencies: frequencies)
    }
    func attention(queries: Tensor, keys: Tensor, values: Tensor, _ form: AttentionForm, into out: Tensor) {
        count("attention")
        reference.attention(queries: queries, keys: keys, values: values, form, into: out)
    }
    func activate(_ f: Activation, _ gate: Tensor, up: Tensor?, into out: Tensor) {
        reference.activate(f, gate, up: up, into: out)
    }
    func add(_ x: Tensor, to target: Tensor) { reference.add(x, to: target) }

    // A Llama's pass calls none of the others.
    private func unused() -> Never { fatalError("no operation of this pass") }
    func softCap(_ x: Tensor, _ cap: Float) { unused() }
    func add(row: Tensor, toEachOf target: Tensor) { unused() }
    func add(rowsOf x: Tensor, to sum: Tensor) { unused() }
    func transposed(_ weight: LinearWeight) -> LinearWeight { unused() }
    func accumulateProduct(_ a: Tensor, _ b: Tensor, into out: Tensor) { unused() }
    func normGradient(
        _ x: Tensor, weight: Tensor, isCentred: Bool, epsilon: Float, scaleIsConstant: Bool, dy: Tensor, dx: Tensor,
        dWeight: Tensor?, dBias: Tensor?
    ) { unused() }
    func attentionGradient(
        queries: Tensor, keys: Tensor, values: Tensor, _ form: AttentionForm, dOut: Tensor, dQueries: Tensor?,
        dKeys: Tensor?, dValues: Tensor
    ) { unused() }
    func activateGradient(_ f: Activation, _ gate: Tensor, up: Tensor?, dOut: Tensor, dGate: Tensor, dUp: Tensor?) {
        unused()
    }
    func crossEntropy(
        _ logits: UnsafePointer<Float>, count: Int, target: Int, scale: Float, gradient: UnsafeMutablePointer<Float>
    ) -> Float { unused() }
    func prepare(encoder weight: Tensor, bias: Tensor, precision: Precision) -> EncoderLayout { unused() }
    func refresh(_ layout: EncoderLayout, latents: Range<Int>) { unused() }
    func encode(_ x: Tensor, _ layout: EncoderLayout, _ selections: [LatentSelection]) { unused() }
    func multiply(_ a: Tensor, by b: Tensor, transposed: Bool, into out: Tensor) { unused() }
    func decode(_ codes: SparseCodes, decoder: Tensor, into out: Tensor) { unused() }
    func sumRows(
        of matrix: Tensor, rows: UnsafeBufferPointer<Int32>, weights: UnsafePointer<Float>,
        start: UnsafePointer<Float>?, into out: UnsafeMutablePointer<Float>
    ) { unused() }
    func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float { unused() }
    func adam(
        _ weights: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, gradientScale: Float,
        moment1: UnsafeMutablePointer<Float>, moment2: UnsafeMutablePointer<Float>, count: Int, _ step: AdamStep
    ) { unused() }
}
