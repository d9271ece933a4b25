import PrismCore
import Testing

@Suite struct HookPointTests {
    @Test(arguments: [
        "hook_embed", "blocks.0.hook_resid_pre", "blocks.3.hook_attn_out", "blocks.11.hook_resid_mid",
        "blocks.2.mlp.hook_in",
        "blocks.7.mlp.hook_post", "blocks.7.hook_mlp_out", "blocks.15.hook_resid_post", "ln_final.hook_out",
    ])
    func namesRoundTrip(name: String) throws {
        #expect(try HookPoint(name).name == name)
    }

    @Test(arguments: [
        "", "blocks", "blocks.x.hook_mlp_out", "blocks.-1.hook_mlp_out", "blocks.1.hook", "blocks.1.hook_mlp_out ",
    ])
    func unknownNamesAreRefused(name: String) {
        #expect(throws: PrismError.self) { try HookPoint(name) }
    }
}
