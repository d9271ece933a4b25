import PrismActivations
import PrismCore
import PrismDictionaries
import PrismTensor

extension PlacedDictionary {
    /// The units themselves as a dictionary: z = x, of either sign, with nothing left over. So neurons are nodes of the same
    /// kind as latents.
    /// - width: numbers at the hook point. sinks: what they are not taken of.
    public static func axes(at hook: HookPoint, width: Int, sinks: SinkFilter? = nil) -> PlacedDictionary {
        let (identity, thresholds) = (Tensor(width, width), Tensor(width))
        for i in 0..<width { identity[i][i] = 1 }
        thresholds.fill(-.infinity)
        let dictionary = SparseDictionary(
            encoder: identity, encoderBias: Tensor(width), decoder: identity, decoderBias: Tensor(width),
            activation: .jumpReLU(thresholds: thresholds))
        return try! PlacedDictionary(name: "units of \(hook.name)", dictionary, reads: hook, writes: hook, sinks: sinks)
    }
}
