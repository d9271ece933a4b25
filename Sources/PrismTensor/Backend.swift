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
