/// What wakes latents that have fallen silent.
public enum DeadLatents: String, Codable, CaseIterable, Sendable {
    /// Nothing.
    case leave
    /// They reconstruct what the others leave over (Gao et al. 2024): `AuxiliaryReconstruction`.
    case auxK = "auxk"
    /// They are pulled upwards: loss c · mean Σ_dead max(0, θᵢ − πᵢ) ‖dᵢ‖ (Anthropic, January 2025).
    case preactivation
    /// At a few steps they are set to vectors that are badly reconstructed (Bricken et al. 2023).
    case resample
}
