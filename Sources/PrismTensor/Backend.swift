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

    // MARK: Transformer blocks

    /// out[t] = x[t] / √(mean(x[t]²) + ε) ⊙ weight (Zhang and Sennrich 2019).
    /// - x, out: [rows, width]; may be the same tensor. weight: [width]
    func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float, into out: Tensor)

    /// Rotary position embedding in place (Su et al. 2021), rotating the pairs (i, i + headWidth / 2) of each head as
    /// Hugging Face's Llama does: the row at position p is turned by the angle p · frequencies[i].
    /// - x: [rows, heads · headWidth], consecutive positions from `firstPosition`. frequencies: [headWidth / 2]
    func rotate(_ x: Tensor, headWidth: Int, firstPosition: Int, frequencies: Tensor)

    /// Causal softmax attention of one context, with grouped queries: query head h reads key/value head
    /// h / (heads / keyValueHeads). The last query stands at the last key's position.
    /// - queries, out: [rows, heads · headWidth]. keys, values: [positions, keyValueHeads · headWidth], positions ≥ rows.
    func attention(queries: Tensor, keys: Tensor, values: Tensor, headWidth: Int, into out: Tensor)

    /// out = gate ⊙ σ(gate) ⊙ up, the SwiGLU product (Shazeer 2020). All [rows, width]; out may be gate or up.
    func gatedSiLU(gate: Tensor, up: Tensor, into out: Tensor)

    /// target += x. Both [rows, width].
    func add(_ x: Tensor, to target: Tensor)

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
