import Foundation

/// The operations that models and dictionaries are made of, at the level of the field's vocabulary, so that each backend
/// can fuse what lies inside one.
///
/// An operation works on the rows it is given, on the calling thread; callers split a batch into blocks and hand them to
/// `Workers`. Rows never influence each other's arithmetic, so the split changes no bit. `ReferenceBackend` is slow and
/// obvious and defines every operation; the others are tested against it.
public protocol Backend: Sendable {
    // MARK: Matrix products

    /// Lays a weight matrix out for this backend's products.
    /// - weight: [outputs, inputs]
    func prepare(_ weight: Tensor, precision: Precision) -> LinearWeight

    /// out[t, n] = Σₖ x[t, k] · weight[n, k], accumulated in fp32.
    /// - x: [rows, inputs]; with a bf16 weight each number of x is first rounded to bf16.
    /// - out: [rows, outputs]
    func linear(_ x: Tensor, _ weight: LinearWeight, into out: Tensor)

    /// out = a · b, or a · bᵀ if `transposed`: one product of matrices that change every time, in fp32.
    /// - a: [m, k]. b: [k, n], transposed [n, k]. out: [m, n].
    func multiply(_ a: Tensor, by b: Tensor, transposed: Bool, into out: Tensor)

    /// The transposed weight, laid out in fp32: what carries a gradient from a product's outputs to its inputs.
    func transposed(_ weight: LinearWeight) -> LinearWeight

    /// out += aᵀ · b: the gradient of a weight from that of its outputs and its inputs.
    /// - a: [rows, m]. b: [rows, n]. out: [m, n].
    func accumulateProduct(_ a: Tensor, _ b: Tensor, into out: Tensor)

    // MARK: Transformer blocks

    /// out[t] = (x[t] − μ) / √(σ² + ε) ⊙ weight + bias with the mean and variance of x[t] (Ba et al. 2016), or, not centred,
    /// x[t] / √(mean(x[t]²) + ε) ⊙ weight (Zhang and Sennrich 2019).
    /// - x, out: [rows, width]; may be the same tensor. weight, bias: [width]
    func norm(_ x: Tensor, weight: Tensor, bias: Tensor?, isCentred: Bool, epsilon: Float, into out: Tensor)

    /// Rotary position embedding in place (Su et al. 2021), rotating the pairs (i, i + n) of each head's first 2n numbers as
    /// Hugging Face's Llama does: the row at position p is turned by the angle p · frequencies[i].
    /// - x: [rows, heads · headWidth], consecutive positions from `firstPosition`. frequencies: [n]; negative ones undo.
    func rotate(_ x: Tensor, headWidth: Int, firstPosition: Int, frequencies: Tensor)

    /// Causal softmax attention of one context. The last query stands at the last key's position.
    /// - queries, out: [rows, heads · headWidth]. keys, values: [positions, keyValueHeads · headWidth], positions ≥ rows.
    func attention(queries: Tensor, keys: Tensor, values: Tensor, _ form: AttentionForm, into out: Tensor)

    /// out = f(gate), or f(gate) ⊙ up. All [rows, width]; out may be gate or up.
    func activate(_ f: Activation, _ gate: Tensor, up: Tensor?, into out: Tensor)

    /// x ← cap · tanh(x / cap) in place (Gemma 2).
    func softCap(_ x: Tensor, _ cap: Float)

    /// target += x. Both [rows, width].
    func add(_ x: Tensor, to target: Tensor)

    /// target[t] += row for every t. row: [width]. target: [rows, width].
    func add(row: Tensor, toEachOf target: Tensor)

    /// sum += Σₜ x[t]. x: [rows, width]. sum: [width].
    func add(rowsOf x: Tensor, to sum: Tensor)

    // MARK: Gradients of the same

    /// Adds to dx, and where they are wanted to dWeight and dBias, what `norm` makes of dy.
    /// - scaleIsConstant: takes what each row is divided by for a constant.
    func normGradient(
        _ x: Tensor, weight: Tensor, isCentred: Bool, epsilon: Float, scaleIsConstant: Bool, dy: Tensor, dx: Tensor,
        dWeight: Tensor?, dBias: Tensor?)

    /// The gradients of a whole context's attention, written over what dQueries, dKeys and dValues held.
    /// - queries: as many rows as keys. dQueries, dKeys: nil together, where the softmax's weights are constants.
    func attentionGradient(
        queries: Tensor, keys: Tensor, values: Tensor, _ form: AttentionForm, dOut: Tensor, dQueries: Tensor?,
        dKeys: Tensor?, dValues: Tensor)

    /// dGate = dOut ⊙ up ⊙ f′(gate), dUp = dOut ⊙ f(gate); up and dUp are nil together.
    func activateGradient(_ f: Activation, _ gate: Tensor, up: Tensor?, dOut: Tensor, dGate: Tensor, dUp: Tensor?)

    /// −log softmax(logits)[target] in nats, and its gradient times scale.
    /// - logits, gradient: vocabulary numbers each.
    func crossEntropy(
        _ logits: UnsafePointer<Float>, count: Int, target: Int, scale: Float,
        gradient: UnsafeMutablePointer<Float>
    ) -> Float

    // MARK: Sparse dictionaries

    /// Lays an encoder out for `encode`. The layout refers to weight and bias, so after a change of
    /// them call `refresh`.
    /// - weight: [latents, width]. bias: [latents].
    /// - precision: fp32 selects exactly as fp32 products would, certainly: products are screened in 16-bit integers with a
    ///   bound of their error. bf16 screens in 8 bits and keeps all within three standard deviations of its error, which
    ///   misses a latent more rarely than rounding the operands to bf16 would.
    func prepare(encoder weight: Tensor, bias: Tensor, precision: Precision) -> EncoderLayout

    /// Takes over changed weights of some latents; `latents` begins at a multiple of `EncoderLayout.panelWidth`.
    func refresh(_ layout: EncoderLayout, latents: Range<Int>)

    /// Of each row's W x + b those that a selection asks for, with fp32 values; two selections cost one pass over the
    /// encoder. A row whose norm is not finite selects nothing.
    /// - x: centred activations, [rows, width]. selections: one or two, whose codes have as many rows.
    func encode(_ x: Tensor, _ layout: EncoderLayout, _ selections: [LatentSelection])

    /// out[t] = Σᵢ zᵢ decoder[i], over the active latents i of row t.
    /// - decoder: [latents, width]. out: [rows, width].
    func decode(_ codes: SparseCodes, decoder: Tensor, into out: Tensor)

    /// out = start + Σᵢ weights[i] · matrix[rows[i]], or without start; one row of a gradient.
    /// - matrix: [any, width]. start, out: width numbers; may be the same.
    func sumRows(
        of matrix: Tensor, rows: UnsafeBufferPointer<Int32>, weights: UnsafePointer<Float>,
        start: UnsafePointer<Float>?,
        into out: UnsafeMutablePointer<Float>)

    /// a · b over `count` numbers.
    func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float

    /// One step of Adam (Kingma and Ba 2015) on `count` numbers, with the gradient scaled first.
    func adam(
        _ weights: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, gradientScale: Float,
        moment1: UnsafeMutablePointer<Float>, moment2: UnsafeMutablePointer<Float>, count: Int, _ step: AdamStep)
}

/// What attention computes besides products and softmax.
public struct AttentionForm: Hashable, Sendable {
    /// Numbers in a head; query head h reads key/value head h / (heads / keyValueHeads).
    public var headWidth: Int
    /// Multiplies the products of queries and keys.
    public var scale: Float
    /// c of c · tanh(s / c), which bounds the scaled products (Gemma 2); nil leaves them.
    public var softCap: Float?
    /// Positions that a query sees, its own the last (Beltagy et al. 2020); nil sees all before it.
    public var window: Int?

    public init(headWidth: Int, scale: Float? = nil, softCap: Float? = nil, window: Int? = nil) {
        self.headWidth = headWidth
        self.scale = scale ?? 1 / Float(headWidth).squareRoot()
        self.softCap = softCap
        self.window = window
    }
}

/// The function between an MLP's products.
public enum Activation: String, Codable, CaseIterable, Sendable {
    case relu
    /// x σ(x) (Shazeer 2020)
    case silu
    /// x Φ(x) (Hendrycks and Gimpel 2016)
    case gelu
    /// x σ(2√(2/π) (x + 0.044715 x³)), the approximation that GPT-2 and Gemma compute.
    case geluTanh = "gelu_tanh"
}

/// Which latents an encoder keeps of each row, ascending, and the codes that they are written to.
public struct LatentSelection: Sendable {
    public let codes: SparseCodes
    /// What a latent's pre-activation must exceed, [`EncoderLayout.paddedCount`].
    package let floors: Tensor?
    package let keepsAll: Bool

    /// As many of the largest positive as codes have slots (ties: the lower latent): TopK of Gao et al. 2024.
    /// - among: 0 for the latents to choose from, ∞ for others, [`EncoderLayout.paddedCount`]; nil for all.
    public static func largest(into codes: SparseCodes, among floors: Tensor? = nil) -> Self {
        Self(codes: codes, floors: floors, keepsAll: false)
    }

    /// All that exceed their threshold. A row with more of them than slots has the count slots + 1 and holds some.
    /// - thresholds: [`EncoderLayout.paddedCount`].
    public static func all(above thresholds: Tensor, into codes: SparseCodes) -> Self {
        Self(codes: codes, floors: thresholds, keepsAll: true)
    }

    /// The same for some rows.
    package func rows(_ range: Range<Int>) -> Self {
        Self(codes: codes.rows(range), floors: floors, keepsAll: keepsAll)
    }
}

/// The numbers of one Adam step: m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², w ← w − rate · (m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε).
public struct AdamStep: Sendable {
    public let rate, beta1, beta2, epsilon: Float
    /// 1 / (1 − βᵗ), which undoes the moments' start at zero.
    public let correction1, correction2: Float

    /// - step: t, counted from 1.
    public init(step: Int, rate: Float, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8) {
        self.rate = rate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        correction1 = Float(1 / (1 - pow(Double(beta1), Double(step))))
        correction2 = Float(1 / (1 - pow(Double(beta2), Double(step))))
    }
}

/// An encoder as a backend laid it out. Made by `Backend.prepare(encoder:)`.
public final class EncoderLayout: @unchecked Sendable {
    /// [latents, width]
    public let weight: Tensor
    /// [latents]
    public let bias: Tensor
    public let precision: Precision
    /// Latents that a backend lays out together; ranges given to `refresh` begin at multiples of it.
    public let panelWidth: Int
    /// Latents rounded up to whole panels.
    public var paddedCount: Int { (weight.rowCount + panelWidth - 1) / panelWidth * panelWidth }
    /// The backend's own layout: panels of integers, and what bounds their error.
    package let panels, bounds: Tensor

    package init(
        weight: Tensor, bias: Tensor, precision: Precision, panelWidth: Int, panels: Tensor = Tensor(0),
        bounds: Tensor = Tensor(0)
    ) {
        self.weight = weight
        self.bias = bias
        self.precision = precision
        self.panelWidth = panelWidth
        self.panels = panels
        self.bounds = bounds
    }
}

/// The number format of a product's operands; sums are fp32 always.
public enum Precision: String, Codable, CaseIterable, Sendable {
    case fp32, bf16
}

/// A weight matrix as a backend laid it out. Made by `Backend.prepare`.
public struct LinearWeight: Sendable {
    public let outputCount: Int
    public let inputCount: Int
    public let precision: Precision
    /// The backend's own layout.
    package let storage: Tensor

    package init(outputCount: Int, inputCount: Int, precision: Precision, storage: Tensor) {
        self.outputCount = outputCount
        self.inputCount = inputCount
        self.precision = precision
        self.storage = storage
    }
}
